"""Makes a ``FrameStore`` from configured sources: opens, compares, selects, decodes, resizes, splits.

``open_sources`` is cheap and tells the conventions a network is built for; ``build_store`` then decodes every frame.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.actions.check import require_valid
from robovlms.actions.embodiments import Conventions, widest
from robovlms.actions.spec import ActionSpec, ImageSpec, ObservationSpec, mismatches
from robovlms.core.config import digest_of
from robovlms.core.errors import SpecMismatch, UserError
from robovlms.data.episode_rows import EpisodeRows, Row
from robovlms.data.images import Frames, fit_image
from robovlms.data.sources import EpisodeSource, SourceConfig
from robovlms.data.store import FrameStore
from robovlms.data.store_cache import cached_store
from robovlms.data.store_place import Memory, Place

OnEpisode = Callable[[int, int], None]
"""(episodes done, episodes in all)."""


@dataclass(frozen=True, slots=True)
class OpenedSources:
    """Sources whose conventions agree, or are those of different embodiments; nothing is decoded yet."""

    configs: tuple[SourceConfig, ...]
    sources: tuple[EpisodeSource, ...]
    action_spec: ActionSpec
    observation_spec: ObservationSpec
    """The chosen cameras and state components. Camera sizes are those of the first source."""
    embodiments: Mapping[str, Conventions]
    """What the numbers of each embodiment mean, where they differ: both specs are then the widest."""

    def __iter__(self) -> Iterator[tuple[SourceConfig, EpisodeSource]]:
        return iter(zip(self.configs, self.sources, strict=True))

    def fingerprint(self, image: ImageSpec | None) -> str:
        """Changes whenever the store these sources give would."""
        parts = [f"{config.unweighted().canonical()} {source.fingerprint()}" for config, source in self]
        return digest_of("\n".join([*parts, image.canonical() if image else "as recorded"]))


def open_sources(configs: Sequence[SourceConfig]) -> OpenedSources:
    """Open data sets and compare what their numbers mean.

    Embodiments may differ if they are named; data sets of one embodiment, or of an unnamed one, must agree.

    Raises:
        SpecMismatch: Two data sets differ in convention, cameras or state.
    """
    if not configs:
        raise UserError("No data was given. Name at least one data set, for example with --data PATH.")
    sources = tuple(config.open() for config in configs)
    found = [
        Conventions(action_spec=source.action_spec, observation_spec=config.select(source))
        for config, source in zip(configs, sources, strict=True)
    ]
    for (one, this), (other, that) in combinations(zip(configs, found, strict=True), 2):
        if None in (one.embodiment, other.embodiment) or one.name == other.name:
            _require_alike(one.path, this, other.path, that)
    network = widest(found)
    named = {config.name: own for config, own in zip(configs, found, strict=True)}
    differ = any(_differences(found[0], own) for own in found)
    return OpenedSources(
        tuple(configs), sources, network.action_spec, network.observation_spec, named if differ else {}
    )


def build_store(
    opened: OpenedSources,
    image: ImageSpec | None = None,
    cache: Path | None = None,
    on_episode: OnEpisode | None = None,
) -> FrameStore:
    """Decode all frames.

    Args:
        opened: From ``open_sources``.
        image: The pixels a network wants; frames keep their size when None.
        cache: Folder to keep the decoded frames in, shared by processes and runs; memory when None.
        on_episode: Told the progress.

    Raises:
        CorruptData: A data or cache file is missing or damaged, or an action is not what its spec says.
        UserError: Images of different sizes and no ``image`` to bring them to one.
    """
    if cache is None:
        return _fill(opened, image, Memory(), on_episode)
    return cached_store(cache_folder(opened, image, cache), lambda place: _fill(opened, image, place, on_episode))


def cache_folder(opened: OpenedSources, image: ImageSpec | None, cache: Path) -> Path:
    """Where below ``cache`` the frames of these sources are kept."""
    return cache / opened.fingerprint(image)


def bytes_needed(opened: OpenedSources, image: ImageSpec | None) -> int:
    """How large the arrays of a store are; nothing is decoded to know it."""
    frames = sum(sum(source.lengths()) for source in opened.sources)
    observation = _sized(opened.observation_spec, image)
    pixels = sum(3 * camera.height * camera.width for camera in observation.cameras)
    return frames * (pixels + 4 * (observation.state_dims + opened.action_spec.dims))


def _fill(opened: OpenedSources, image: ImageSpec | None, place: Place, on_episode: OnEpisode | None) -> FrameStore:
    observation = _sized(opened.observation_spec, image)
    lengths = [source.lengths() for source in opened.sources]
    total, num_episodes = sum(map(sum, lengths)), sum(map(len, lengths))
    images = {
        c.name: place.array(f"images.{c.name}", (total, c.height, c.width, 3), np.uint8) for c in observation.cameras
    }
    state = place.array("state", (total, observation.state_dims), np.float32)
    actions = place.array("actions", (total, opened.action_spec.dims), np.float32)
    rows = EpisodeRows()
    done = place.begun()
    for entry, (config, source) in enumerate(opened):
        own = opened.embodiments.get(config.name, opened)
        cameras, spec = own.observation_spec.camera_names, own.action_spec
        columns = source.observation_spec.columns(own.observation_spec.state_names)
        for index in range(len(source)):
            if len(rows) < len(done):
                rows.add(done[len(rows)])
                continue
            episode = source.read(index, cameras)
            at = slice(rows.end, rows.end + len(episode))
            where = f"{config.path}, episode {index}"
            require_valid(spec, episode.actions, where)
            for frames, name in zip_longest(images.values(), cameras):
                frames[at] = _fitted(episode.images[name], frames.shape[1:], image, where) if name else 0
            state[at], actions[at] = np.nan, 0
            state[at, : len(columns)], actions[at, : spec.dims] = episode.state[:, columns], episode.actions
            origin = f"{config.path.name}: {source.source_of(index)}"
            rows.add(row := Row(len(episode), episode.instruction, episode.task, origin, config.name, entry))
            place.note(row)
            if on_episode:
                on_episode(len(rows), num_episodes)
    return FrameStore(
        images=images,
        state=state,
        actions=actions,
        episodes=rows.table({config.name: config.holdout for config in opened.configs}),
        action_spec=opened.action_spec,
        observation_spec=observation,
        embodiments=opened.embodiments,
        **{name: tuple(ids) for name, ids in rows.names.items()},
    )


def _require_alike(one: Path, this: Conventions, other: Path, that: Conventions) -> None:
    if differences := _differences(this, that):
        remedy = "Convert one of them, or name the embodiment of both where they are different robots."
        raise SpecMismatch(str(one), str(other), differences, remedy)


def _differences(one: Conventions, other: Conventions) -> list[str]:
    """What differs in actions, cameras and state; sizes do not count, since images are brought to one size."""
    observations = mismatches(_unsized(one.observation_spec), _unsized(other.observation_spec))
    return [*mismatches(one.action_spec, other.action_spec), *observations]


def _fitted(frames: Frames, shape: tuple[int, ...], image: ImageSpec | None, where: str) -> Frames:
    if frames.shape[1:] == shape:
        return frames
    if image is None:
        raise UserError(
            f"{where}: got images of shape {frames.shape[1:]}, expected {shape}. Give one image size for all."
        )
    return np.stack([fit_image(frame, image) for frame in frames])


def _sized(spec: ObservationSpec, image: ImageSpec | None) -> ObservationSpec:
    size = {"height": image.size, "width": image.size} if image else {}
    return spec.model_copy(update={"cameras": tuple(camera.model_copy(update=size) for camera in spec.cameras)})


def _unsized(spec: ObservationSpec) -> ObservationSpec:
    unsized: dict[str, Any] = {"height": 0, "width": 0}
    return spec.model_copy(update={"cameras": tuple(camera.model_copy(update=unsized) for camera in spec.cameras)})
