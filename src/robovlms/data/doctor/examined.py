"""What checks look at: all numbers and sentences of a data set, and small pictures of some of its episodes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import CorruptData
from robovlms.data.damage import Damage, Skipped
from robovlms.data.doctor.kept import spread
from robovlms.data.images import Frames
from robovlms.data.source import EpisodeSource, SourceConfig
from robovlms.data.store.episode_rows import EpisodeRows, Row

SMALL = 16
"""Side of the small pictures in pixels."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What is kept of a camera's frames in an episode: grey pictures, a number for each content, the brightest byte."""

    small: UInt8[np.ndarray, "t 16 16"]
    content: Int64[np.ndarray, " t"]
    brightest: UInt8[np.ndarray, " t"]


@dataclass(frozen=True, slots=True)
class Recording:
    """One episode. ``glances`` is empty where its frames were not looked at; ``last`` are its end flags, if any."""

    index: int
    state: Float[np.ndarray, "t _"]
    actions: Float[np.ndarray, "t a"]
    instruction: str
    task: str
    source: str
    glances: Mapping[str, Glance] = field(default_factory=dict)
    last: Bool[np.ndarray, " t"] | None = None
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """Statistics found in a file: (mean, std, min, max) by dimension, of the ``action`` or the ``state``."""

    file: str
    of: str
    columns: Mapping[str, Float[np.ndarray, " d"]]


@dataclass(frozen=True, slots=True)
class Examined:
    """A data set as the checks see it."""

    action_spec: ActionSpec
    observation_spec: ObservationSpec
    recordings: tuple[Recording, ...]
    stored: tuple[Stored, ...] = ()
    measured_rate_hz: float | None = None
    """Rows a second by recorded times, where the format has them."""
    skipped: tuple[Skipped, ...] = ()


def glance(frames: Frames) -> Glance:
    """The little that checks need of an episode's frames (t, h, w, 3)."""
    rows, columns = (np.linspace(0, size - 1, SMALL).round().astype(int) for size in frames.shape[1:3])
    grey = frames[:, rows][:, :, columns].mean(-1).astype(np.uint8)
    content = [int.from_bytes(hashlib.blake2b(f.tobytes(), digest_size=8).digest(), signed=True) for f in frames]
    return Glance(grey, np.array(content, np.int64), frames.max(axis=(1, 2, 3)))


def examine(
    source: EpisodeSource,
    config: SourceConfig,
    stored: tuple[Stored, ...] = (),
    looked_at: int = 100,
    on_episode: Callable[[], object] = lambda: None,
) -> Examined:
    """Read a data set.

    Args:
        source: Where to read.
        config: Its settings, which say what is held out for validation.
        stored: Statistics to compare with.
        looked_at: In how many episodes, spread evenly, frames are decoded.
        on_episode: Called after each episode.

    Raises:
        CorruptData: An episode is damaged, and the settings do not leave such out, or all are.
    """
    damage = Damage.of(config)
    chosen = set(spread(len(source), looked_at))
    rows, found, name = EpisodeRows(), list[Recording](), config.name
    flags = getattr(source, "end_flags", lambda _: None)
    for index in range(len(source)):
        with damage.left_out(index):
            episode, last = source.read(index, None if index in chosen else ()), flags(index)
            came_from = f"{config.path.name}: {source.source_of(index)}"  # as in a store: the same ones are held out
            rows.add(Row(len(episode), episode.instruction, episode.task, came_from, name, entry=0))
            numbers = (episode.state, episode.actions, episode.instruction, episode.task, came_from)
            glances = {camera: glance(frames) for camera, frames in episode.images.items()} if index in chosen else {}
            found.append(Recording(index, *numbers, glances, last))
        on_episode()
    damage.require_some(len(source))
    held_out = rows.table({name: config.holdout}).held_out if found else ()
    recordings = tuple(replace(one, held_out=bool(held)) for one, held in zip(found, held_out, strict=True))
    skipped = tuple(damage.skipped)
    return Examined(source.action_spec, source.observation_spec, recordings, stored, _rate(source, skipped), skipped)


def _rate(source: EpisodeSource, skipped: tuple[Skipped, ...]) -> float | None:
    try:
        return getattr(source, "measured_rate_hz", lambda: None)()
    except CorruptData:
        if skipped:  # it was to be measured in one of these
            return None
        raise
