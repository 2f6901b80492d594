"""What a data set holds, at a glance: episodes, sentences, cameras, numbers with histograms, and a contact sheet.

One episode is in memory at a time. Images are decoded of the episodes on the contact sheet only.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num, UInt8

from robovlms.actions.spec import ActionComponent, Camera, StateComponent
from robovlms.actions.statistics import ActionStatistics
from robovlms.core.errors import UserError
from robovlms.data.damage import Damage, Skipped
from robovlms.data.source import EpisodeSource
from robovlms.data.stats import StreamingStatistics

BINS = 24
KEEP = 200_000
"""Rows that histograms and quantiles are made of; all, up to as many."""
STRIP_FRAMES = 5


@dataclass(frozen=True, slots=True)
class Number:
    """One dimension: its statistics, and counts in ``BINS`` equal steps from ``low`` to ``high``."""

    name: str
    mean: float
    std: float
    low: float
    q01: float
    q99: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A component of the actions or the state, what its numbers mean, and the numbers."""

    name: str
    meaning: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """Frames of one camera, evenly spread over an episode; ``rows`` says which."""

    episode: int
    camera: str
    instruction: str
    rows: tuple[int, ...]
    frames: UInt8[np.ndarray, "n _ _ 3"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """A data set at a glance. ``tasks`` and ``instructions`` count episodes; ``lengths`` has one entry an episode."""

    path: str
    kind: str
    rate_hz: float
    lengths: tuple[int, ...]
    tasks: Mapping[str, int]
    instructions: Mapping[str, int]
    cameras: tuple[Camera, ...]
    actions: tuple[Part, ...]
    state: tuple[Part, ...]
    strips: tuple[Strip, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def num_frames(self) -> int:
        """Number of frames of all episodes."""
        return sum(self.lengths)


def inspect(
    source: EpisodeSource,
    path: str,
    kind: str,
    sheet: int = 6,
    on_episode: Callable[[], object] = lambda: None,
    skip_bad: bool = False,
) -> Inspection:
    """Look at every episode.

    Args:
        source: The data.
        path: Its place, as it is to be shown.
        kind: Its format.
        sheet: Number of episodes on the contact sheet, spread evenly.
        on_episode: Called after each.
        skip_bad: Leave damaged episodes out.

    Raises:
        UserError: There is no episode, or a number that is not finite.
        CorruptData: An episode is damaged and none is left out, or all are damaged.
    """
    if not len(source):
        raise UserError(f"{path}: got no episodes, expected at least one. Check the path.")
    chosen = set(np.linspace(0, len(source) - 1, min(sheet, len(source))).round().astype(int).tolist())
    actions, state = StreamingStatistics(KEEP), StreamingStatistics(KEEP)
    tasks, instructions = Counter[str](), Counter[str]()
    lengths, strips, damage = [], [], Damage(Path(path), skip_bad)
    for index in range(len(source)):
        with damage.left_out(index):
            episode = source.read(index, None if index in chosen else ())
            actions.add(episode.actions)
            state.add(episode.state)
            tasks[episode.task] += 1
            instructions[episode.instruction] += 1
            lengths.append(len(episode))
            strips += [_strip(index, name, episode.instruction, frames) for name, frames in episode.images.items()]
        on_episode()
    damage.require_some(len(source))
    return Inspection(
        path=path,
        kind=kind,
        rate_hz=source.action_spec.rate_hz,
        lengths=tuple(lengths),
        tasks=dict(tasks.most_common()),
        instructions=dict(instructions.most_common()),
        cameras=source.observation_spec.cameras,
        actions=_parts(source.action_spec.components, actions),
        state=_parts(source.observation_spec.state, state) if source.observation_spec.state else (),
        strips=tuple(strips),
        skipped=tuple(damage.skipped),
    )


def histogram(values: Sequence[float] | Num[np.ndarray, " n"], bins: int = BINS) -> tuple[int, ...]:
    """Counts in equal steps from the least to the largest value; all in the middle where they are equal."""
    return tuple(np.histogram(values, bins)[0].tolist())


def _strip(index: int, camera: str, instruction: str, frames: UInt8[np.ndarray, "t _ _ 3"]) -> Strip:
    rows = np.unique(np.linspace(0, len(frames) - 1, STRIP_FRAMES).round().astype(int))
    return Strip(index, camera, instruction, tuple(rows.tolist()), frames[rows])


def _parts(components: Sequence[Any], streaming: StreamingStatistics) -> tuple[Part, ...]:
    statistics, rows, found, start = streaming.result(), streaming.rows(), [], 0
    for component in components:
        names = [component.name] if component.dims == 1 else [f"{component.name}_{i}" for i in range(component.dims)]
        numbers = [_number(name, start + i, statistics, rows) for i, name in enumerate(names)]
        found.append(Part(component.name, _meaning(component), tuple(numbers)))
        start += component.dims
    return tuple(found)


def _number(name: str, at: int, statistics: ActionStatistics, rows: Num[np.ndarray, "n d"]) -> Number:
    values = [getattr(statistics, column)[at] for column in ("mean", "std", "min", "q01", "q99", "max")]
    return Number(name, *values, counts=histogram(rows[:, at].astype(float)))


def _meaning(component: ActionComponent | StateComponent) -> str:
    words = [word for word in (component.frame, component.rotation) if word and word != "none"]
    if isinstance(component, StateComponent):
        return ", ".join([component.unit, *words])
    unit = f"{component.scale:g} {component.unit} a unit" if component.unit != "1" else ""
    ends = (
        f"closed {component.gripper_closed:g}, open {component.gripper_open:g}" if component.kind == "gripper" else ""
    )
    return ", ".join(word for word in (component.kind.replace("_", " "), unit, *words, ends) if word)
