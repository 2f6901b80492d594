"""Makes a ``FrameStore`` from configured sources: opens, compares, selects, decodes, resizes, splits.

``open_sources`` is cheap and tells the conventions a network is built for; ``build_store`` then decodes every frame.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from robovlms.actions.embodiments import Conventions, widest
from robovlms.actions.spec import ActionSpec, ImageSpec, ObservationSpec, mismatches
from robovlms.core.config import digest_of
from robovlms.core.errors import SpecMismatch, UserError
from robovlms.data.source import EpisodeSource, SourceConfig
from robovlms.data.store.cache import cached_store
from robovlms.data.store.fill import Arrays, OnEpisode, fill, sized
from robovlms.data.store.frames import FrameStore
from robovlms.data.store.place import Memory


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
        CorruptData: A data or cache file is missing or damaged, or an action is not what its spec says; where the
            settings say ``skip_bad``, only if it is so with all episodes of a data set.
        UserError: Images of different sizes and no ``image`` to bring them to one.
    """
    if cache is None:
        return fill(opened, Arrays.of(opened, image, memory := Memory()), memory, on_episode)
    folder = cache_folder(opened, image, cache)
    return cached_store(folder, lambda place: fill(opened, Arrays.of(opened, image, place), place, on_episode))


def cache_folder(opened: OpenedSources, image: ImageSpec | None, cache: Path) -> Path:
    """Where below ``cache`` the frames of these sources are kept."""
    return cache / opened.fingerprint(image)


def bytes_needed(opened: OpenedSources, image: ImageSpec | None) -> int:
    """How large the arrays of a store are; nothing is decoded to know it."""
    frames = sum(sum(source.lengths()) for source in opened.sources)
    observation = sized(opened.observation_spec, image)
    pixels = sum(3 * camera.height * camera.width for camera in observation.cameras)
    return frames * (pixels + 4 * (observation.state_dims + opened.action_spec.dims))


def _require_alike(one: Path, this: Conventions, other: Path, that: Conventions) -> None:
    if differences := _differences(this, that):
        remedy = "Convert one of them, or name the embodiment of both where they are different robots."
        raise SpecMismatch(str(one), str(other), differences, remedy)


def _differences(one: Conventions, other: Conventions) -> list[str]:
    """What differs in actions, cameras and state; sizes do not count, since images are brought to one size."""
    observations = mismatches(_unsized(one.observation_spec), _unsized(other.observation_spec))
    return [*mismatches(one.action_spec, other.action_spec), *observations]


def _unsized(spec: ObservationSpec) -> ObservationSpec:
    unsized: dict[str, Any] = {"height": 0, "width": 0}
    return spec.model_copy(update={"cameras": tuple(camera.model_copy(update=unsized) for camera in spec.cameras)})
