"""The episodes and sentences of a LeRobot data set of any version, each checked before a frame is read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from robovlms.core.errors import CorruptData
from robovlms.core.files import is_utf8
from robovlms.data.images import VideoPart
from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.info import Info
from robovlms.data.lerobot.rows import FrameRows
from robovlms.data.lerobot.v2 import LayoutV2
from robovlms.data.lerobot.v3 import LayoutV3

Row = Mapping[str, Any]


@runtime_checkable
class Layout(Protocol):
    """Where a version keeps what. Places are a file and a row, for messages."""

    def tasks(self) -> Iterator[tuple[str, Any, Any]]:
        """(place, number, sentence) of each task."""
        ...

    def episodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(place, row) of each episode."""
        ...

    def frames(self, row: Row) -> FrameRows:
        """The frames of an episode."""
        ...

    def video(self, row: Row, key: str) -> VideoPart:
        """Where the frames of a camera are."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Frames ``start`` to ``stop`` - 1 of the episode that ``row`` describes: those with one sentence."""

    row: Row
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def layout_of(path: Path, info: Info) -> Layout:
    """The layout of a version; ``info`` has a known one."""
    return LayoutV3(path, info) if info.codebase_version == fmt.VERSION else LayoutV2(path, info)


def read_tasks(layout: Layout) -> dict[int, str]:
    """The sentences by their numbers.

    Raises:
        CorruptData: A number stands twice or is none, or a sentence is no text.
    """
    found: dict[int, str] = {}
    for where, number, sentence in layout.tasks():
        if not isinstance(number, int) or not isinstance(sentence, str) or number in found:
            raise CorruptData(f"{where}: got task {number!r} {sentence!r}, expected a new number and a sentence.")
        if not is_utf8(sentence):
            raise CorruptData(f"{where}: the sentence {sentence!r:.80} is not UTF-8. Correct it.")
        found[number] = sentence
    return found


def read_episodes(layout: Layout, info: Path, expected: int) -> list[Row]:
    """The rows of the episodes in order of their numbers.

    Raises:
        CorruptData: A number stands twice, an episode has no frame, or there are not ``expected`` ones as the file
            ``info`` says.
    """
    places: dict[int, str] = {}
    rows: list[Row] = []
    for where, row in layout.episodes():
        index, length = row.get("episode_index"), row.get("length")
        if not isinstance(index, int) or not isinstance(length, int) or index < 0 or length < 1:
            raise CorruptData(
                f"{where}: got episode_index {index} and length {length}, expected a number and at least one frame."
            )
        if index in places:
            raise CorruptData(f"{where}: episode {index} stands twice, first at {places[index]}.")
        places[index] = where
        rows.append(row)
    if len(rows) != expected:
        raise CorruptData(f"{info} says {expected} episodes, but their table has {len(rows)}. Copy the data set again.")
    return sorted(rows, key=lambda row: row["episode_index"])


def spans_of(layout: Layout, rows: Iterable[Row]) -> list[Span]:
    """One span for each episode, or one for each run of frames with the same sentence where there are several."""
    return [span for row in rows for span in _spans(layout, row)]


def _spans(layout: Layout, row: Row) -> list[Span]:
    tasks = row.get("tasks")
    if tasks is None or len(tasks) < 2:
        return [Span(row, 0, row["length"])]
    numbers = layout.frames(row).task_numbers()
    cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), row["length"]]
    return [Span(row, start, stop) for start, stop in pairwise(cuts)]
