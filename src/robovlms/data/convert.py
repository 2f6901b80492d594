"""From one format to another, and what was lost on the way: found by reading back what was written.

Nothing is assumed of what a format keeps. Every episode is written, the new data set is opened as anybody would open
it, and read beside the old one: numbers and texts of all episodes, images of some.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from robovlms.actions.calvin import ABSOLUTE_ACTIONS
from robovlms.actions.spec import ObservationSpec
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.types import Episode
from robovlms.data.damage import Damage, Skipped
from robovlms.data.detect import source_config
from robovlms.data.images import Frames
from robovlms.data.source import EpisodeSource, SourceConfig
from robovlms.data.writer import DatasetWriter

ImageKind = Literal["png", "jpeg", "mp4"]
LOOKED_AT = 8
"""Episodes whose images are compared, spread evenly."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The episodes of a source with the cameras and state components that are to be kept, in that order."""

    source: EpisodeSource
    observation: ObservationSpec

    @classmethod
    def of(cls, config: SourceConfig, source: EpisodeSource) -> "Chosen":
        """What the settings name; all where they name nothing."""
        return cls(source, source.observation_spec.select(config.cameras, config.state))

    def read(self, index: int, images: bool = True) -> Episode:
        """One episode. ``info`` says what it was cut from."""
        cameras = self.observation.camera_names if images else ()
        episode = self.source.read(index, cameras)
        columns = self.source.observation_spec.columns(self.observation.state_names)
        info = {**episode.info, "source": self.source.source_of(index)}
        return replace(episode, images=dict(episode.images), state=episode.state[:, columns], info=info)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written, and what of it differs from the original: one sentence a loss, with how much."""

    episodes: int
    frames: int
    losses: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the numbers of an episode are off."""

    most: float
    mean: float


OnEpisode = Callable[[str, int, int], None]
"""(what is done, episodes done, episodes in all)."""


def convert(
    config: SourceConfig, out: Path, to: str, images: ImageKind = "png", on_episode: OnEpisode = lambda *_: None
) -> Conversion:
    """Write the data that ``config`` names as another format.

    Args:
        config: The data, and which of its cameras and state components are kept; all when it names none.
        out: The folder to create.
        to: ``lerobot``, ``rlds`` or ``calvin``.
        images: How frames are kept: ``png`` (exact), ``jpeg``, or ``mp4`` (LeRobot only).
        on_episode: Told the progress.

    Raises:
        UnknownName: no writer of that format.
        UserError: the format cannot hold this data, or the folder cannot be written.
        CorruptData: an episode is damaged, and the settings do not leave such out, or all are.
    """
    old = Chosen.of(config, config.open())
    num_episodes, damage = len(old.source), Damage.of(config)
    with opened(to, out, old, images, config) as writer:
        for index in range(num_episodes):
            with damage.left_out(index):
                writer.add(old.read(index))
            on_episode("writing", index + 1, num_episodes)
        damage.require_some(num_episodes)
    kept = sorted(set(range(num_episodes)) - {one.episode for one in damage.skipped})
    total = len(kept)
    written = source_config(out, _settings(to, old), to)
    new = Chosen.of(written, written.open())
    shown = set(np.linspace(0, total - 1, min(LOOKED_AT, total)).round().astype(int).tolist())
    found: defaultdict[str, list[Gap]] = defaultdict(list)
    for number, index in enumerate(kept):
        for what, gap in _differences(old.read(index, number in shown), new.read(number, number in shown)):
            found[what].append(gap)
        on_episode("comparing", number + 1, total)
    losses = tuple(_said(what, gaps, total, len(shown)) for what, gaps in found.items())
    return Conversion(total, sum(new.source.lengths()), losses, tuple(damage.skipped))


def opened(to: str, out: Path, old: Chosen, images: ImageKind, config: SourceConfig) -> DatasetWriter:
    """The writer of a format.

    Raises:
        UnknownName: there is none.
        UserError: it does not keep images so.
    """
    action, observation = old.source.action_spec, old.observation
    origin = {"converted_from": config.path.name, "kind": getattr(config, "kind", "")}
    match to, images:
        case "lerobot", _:
            from robovlms.data.lerobot.writer import LeRobotWriter

            return LeRobotWriter(out, action, observation, image_format=images, provenance=origin)
        case "rlds", "png" | "jpeg":
            from robovlms.data.rlds.writer import RLDSWriter

            return RLDSWriter(out, action, observation, image_format=images, provenance=origin)
        case "calvin", "png":
            from robovlms.data.calvin.writer import CALVINWriter

            return CALVINWriter(out, action, observation)
    if to in ("rlds", "calvin"):
        raise UserError(f"Images: got {images}, expected {'png or jpeg' if to == 'rlds' else 'png'} for {to}.")
    raise UnknownName("format to write", to, ("lerobot", "rlds", "calvin"))


def _settings(to: str, old: Chosen) -> dict[str, str]:
    """What to open the new data set with: CALVIN's frames hold two kinds of actions."""
    return {"actions": "actions"} if to == "calvin" and old.source.action_spec == ABSOLUTE_ACTIONS else {}


def _differences(old: Episode, new: Episode) -> Iterator[tuple[str, Gap]]:
    """What is otherwise in the new episode, and by how much where that has a measure."""
    nothing = Gap(0.0, 0.0)
    for name in ("state", "actions"):
        if gap := _gap(getattr(old, name), getattr(new, name)):
            yield name, gap
    for camera in old.images:
        if gap := _gap(old.images[camera], new.images.get(camera)):
            yield f"images of {camera}", gap
    for name in ("instruction", "task"):
        if getattr(old, name) != getattr(new, name):
            yield name, nothing
    yield from ((f"info '{key}'", nothing) for key in old.info if not _alike(old.info, new.info, key))


def _gap(old: Frames | np.ndarray, new: Frames | np.ndarray | None) -> Gap | None:
    """How far two arrays are apart, infinitely where shapes differ; None where they are equal."""
    if new is None or old.shape != new.shape:
        return Gap(np.inf, np.inf)
    difference = np.abs(old.astype(np.float64) - new)
    return Gap(float(difference.max()), float(difference.mean())) if difference.any() else None


def _alike(old: Mapping[str, Any], new: Mapping[str, Any], key: str) -> bool:
    """Whether a value is the same as text: formats keep numbers of other widths."""
    return key in new and str(old[key]) == str(new[key])


def _said(what: str, gaps: list[Gap], episodes: int, looked_at: int) -> str:
    images, most = what.startswith("images"), max(gap.most for gap in gaps)
    how = "lost or changed"
    if most == np.inf:
        how = "of another shape, or gone"
    elif most:
        mean = np.mean([gap.mean for gap in gaps])
        how = f"off by {mean:.3g} on average and {most:.3g} at most" + " of 255 levels" * images
    return f"{what}: {how}, in {len(gaps)} of {looked_at if images else episodes} episodes" + " looked at" * images
