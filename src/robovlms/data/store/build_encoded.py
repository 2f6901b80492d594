"""Makes a store whose frames stay image files (see ``encoded``), and finds one."""

from pathlib import Path

import numpy as np

from robovlms.actions.spec import ImageSpec
from robovlms.data.damage import Damage
from robovlms.data.source import EpisodeSource, SourceConfig
from robovlms.data.store.build import OpenedSources, build_store, cache_folder
from robovlms.data.store.cache import cached_store, load_store
from robovlms.data.store.encoded import files_of
from robovlms.data.store.fill import Arrays, OnEpisode, fill
from robovlms.data.store.frames import FrameStore

SAMPLED = 4
"""Episodes of a source that tell how large its image files are."""


def find_or_build(opened: OpenedSources, image: ImageSpec, cache: Path) -> FrameStore:
    """Image files that ``keep_encoded`` left in ``cache`` where nothing else is, else what ``build_store`` makes."""
    encoded = encoded_folder(opened, cache)
    if encoded.exists() and not cache_folder(opened, image, cache).exists():
        return load_store(encoded, image=image)
    return build_store(opened, image, cache)


def keep_encoded(opened: OpenedSources, cache: Path, on_episode: OnEpisode | None = None) -> FrameStore:
    """Keep all frames below ``cache`` as image files: the recorded ones, or JPEGs of what is recorded otherwise.

    Every frame is decoded once to be sure of it. Raises as ``build_store`` does.
    """
    return cached_store(
        encoded_folder(opened, cache), lambda place: fill(opened, Arrays.encoded(opened, place), place, on_episode)
    )


def encoded_folder(opened: OpenedSources, cache: Path) -> Path:
    """Where below ``cache`` their image files are kept, for models of any image size."""
    return cache / f"{opened.fingerprint(None)}-encoded"


def bytes_encoded(opened: OpenedSources) -> int:
    """About how large the image files are, and the other arrays: judged from a few episodes of each source.

    Raises:
        CorruptData: One of these is damaged, and none is left out.
    """
    return round(sum(_bytes_encoded(opened, config, source) for config, source in opened))


def _bytes_encoded(opened: OpenedSources, config: SourceConfig, source: EpisodeSource) -> float:
    cameras = opened.embodiments.get(config.name, opened).observation_spec.camera_names
    damage, frames, size = Damage.of(config), 0, 0
    for index in np.unique(np.linspace(0, len(source) - 1, SAMPLED).astype(int)).tolist():
        with damage.left_out(index):
            episode = source.read(index, cameras)
            size += sum(len(file) for files in files_of(source, index, episode).values() for file in files)
            frames += len(episode)
    others = 8 * len(cameras) + 4 * (opened.observation_spec.state_dims + opened.action_spec.dims)
    return sum(source.lengths()) * (size / max(frames, 1) + others)
