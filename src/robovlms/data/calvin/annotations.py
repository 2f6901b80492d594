"""What a CALVIN folder says about its frames: sentences, recorded segments and scenes.

``lang_annotations/auto_lang_ann.npy`` says of spans of frames what was done. A span ``(start, end)`` is the frames
``start`` to ``end - 1``: ``automatic_lang_annotator_mp.py`` of mees/calvin stores the start, and the start plus the
length; neither its loader nor upstream RoboVLMs' learns the action of frame ``end``. The segments in
``ep_start_end_ids.npy`` and the scenes in ``scene_info.npy`` hold both their ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from robovlms.core.errors import CorruptData
from robovlms.data.calvin.plain_npy import read_dictionary, read_integers

ANNOTATIONS = "auto_lang_ann.npy"
SEGMENTS = "ep_start_end_ids.npy"
SCENES = "scene_info.npy"

_GROUPS = {"ann": "language", "task": "language", "indx": "info"}
"""Where the annotations keep sentences, tasks and spans."""


@dataclass(frozen=True, slots=True)
class Span:
    """The frames ``start`` to ``stop - 1``, which show one task; ``row`` is its place in the file of annotations."""

    row: int
    start: int
    stop: int
    task: str
    instruction: str
    scene: str
    """A, B, C or D; empty where the folder does not say."""
    source: str
    """What was recorded in one go with it."""

    def __len__(self) -> int:
        return self.stop - self.start


def read_spans(path: Path, folder: Path) -> list[Span]:
    """The annotated spans, in the order of the file.

    Args:
        path: The file of annotations.
        folder: Holds the frames, the segments and the scenes.

    Raises:
        CorruptData: A file is missing or damaged, a sentence is no text, or a span is empty or lies outside the
            segments; names file and row.
    """
    if not path.is_file():
        raise CorruptData(
            f"{path} is missing. Set path to a folder with training and validation in it, or to one of them, and "
            "annotations to the folder that holds the sentences."
        )
    found = read_dictionary(path)
    columns = {name: _column(found, group, name, path) for name, group in _GROUPS.items()}
    if "source" in found["info"]:  # our writer's: episodes that must stay together
        columns["source"] = _column(found, "info", "source", path)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise CorruptData(f"{path}: got lists of {lengths} entries, expected equally many. Copy or create it again.")
    segments, scenes = read_segments(folder), read_scenes(folder)
    rows = range(lengths["ann"])
    return [_span(row, {n: c[row] for n, c in columns.items()}, segments, scenes, f"{path}, row {row}") for row in rows]


def read_segments(folder: Path) -> Int64[np.ndarray, "n 2"]:
    """First and last frame of everything that was recorded in one go, in the order of the frames."""
    segments = read_integers(folder / SEGMENTS, row=(2,))
    return segments[np.argsort(segments[:, 0], kind="stable")]


def read_scenes(folder: Path) -> dict[str, tuple[int, int]]:
    """First and last frame of each scene by its letter; empty where no file says it, as in ``validation``.

    Raises:
        CorruptData: The file is damaged.
    """
    path = folder / SCENES
    found = read_dictionary(path) if path.is_file() else {}
    return {
        str(name).removeprefix("calvin_").removeprefix("scene_"): _pair(ends, f"{path}, '{name}'")
        for name, ends in found.items()
    }


def _column(found: Mapping[str, Any], group: str, name: str, path: Path) -> Any:
    column = found[group].get(name) if isinstance(found.get(group), dict) else None
    if not isinstance(column, list | tuple) and not (isinstance(column, np.ndarray) and column.ndim):
        raise CorruptData(f"{path}: got {type(column).__name__} at ['{group}']['{name}'], expected a list.")
    return column


def _span(
    row: int, cells: Mapping[str, Any], segments: np.ndarray, scenes: Mapping[str, tuple[int, int]], where: str
) -> Span:
    start, stop = _pair(cells["indx"], where)
    first, last = _segment_of(start, segments)
    if stop <= start or stop > last + 1:
        reason = "no frame is in it" if stop <= start else f"no segment of {SEGMENTS} holds it"
        raise CorruptData(f"{where}: got span ({start}, {stop}), but {reason}. Correct it, or leave the row out.")
    return Span(
        row=row,
        start=start,
        stop=stop,
        task=_text(cells["task"], "task", where),
        instruction=_text(cells["ann"], "sentence", where),
        scene=next((name for name, (low, high) in scenes.items() if low <= start <= high), ""),
        source=_text(cells["source"], "source", where) if "source" in cells else f"frames {first} to {last}",
    )


def _segment_of(start: int, segments: np.ndarray) -> tuple[int, int]:
    """The last segment that begins before or with frame ``start``; an empty one where none does."""
    number = int(np.searchsorted(segments[:, 0], start, side="right")) - 1
    return (int(segments[number, 0]), int(segments[number, 1])) if number >= 0 else (0, -1)


def _pair(values: Any, where: str) -> tuple[int, int]:
    try:
        first, last = (index(value) for value in values)
    except (TypeError, ValueError):
        raise CorruptData(f"{where}: got {values!r:.80}, expected two frame numbers. Copy the file again.") from None
    return first, last


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str):
        raise CorruptData(
            f"{where}: got {value!r:.80} as the {name}, expected a text. Correct it, or leave the row out."
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise CorruptData(f"{where}: the {name} is not UTF-8 ({error}). Correct it, or leave the row out.") from None
    return str(value)
