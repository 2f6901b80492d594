"""Which annotated spans of a CALVIN folder to use: scenes, a share, a few of each task, or a published list.

A share and a few of each task are the first in an order that ``seed`` and the span itself decide: the same for any
order of rows, and a smaller share is part of a larger one.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.calvin.annotations import SCENES, Span, read_scenes
from robovlms.data.keyed import keyed_uniform


@dataclass(frozen=True, slots=True)
class Subset:
    """Spans of some scenes (all when None), and of those at most one of a share, a few of each task, or a list."""

    folder: Path
    scenes: str | None = None
    fraction: float | None = None
    per_task: int | None = None
    spans: Path | None = None
    seed: int = 0

    def __call__(self, spans: Sequence[Span]) -> list[Span]:
        """The chosen ones, in the order of their rows."""
        if self.spans is not None:
            spans = listed(spans, self.spans)
        if self.scenes is not None:
            spans = of_scenes(spans, self.scenes, read_scenes(self.folder), self.folder / SCENES)
        if self.fraction is not None:
            spans = share_of(spans, self.fraction, self.seed)
        if self.per_task is not None:
            spans = of_each_task(spans, self.per_task, self.seed)
        return list(spans)


def of_scenes(spans: Sequence[Span], scenes: str, known: Mapping[str, tuple[int, int]], where: Path) -> list[Span]:
    """The spans of some scenes, named by their letters.

    Raises:
        UnknownName: There is no such scene.
        UserError: The folder does not say which scenes it holds.
    """
    if not known:
        raise UserError(f"{where} is missing, so scenes cannot be chosen. Leave scenes out, or copy that file there.")
    for scene in scenes:
        if scene not in known:
            raise UnknownName(f"scene in {where}:", scene, known)
    return [span for span in spans if span.scene in scenes]


def share_of(spans: Sequence[Span], fraction: float, seed: int) -> list[Span]:
    """A share of the spans, at least one."""
    count = max(round(fraction * len(spans)), 1)
    return _in_row_order(_shuffled(spans, seed)[:count])


def of_each_task(spans: Sequence[Span], count: int, seed: int) -> list[Span]:
    """``count`` spans of every task.

    Raises:
        UserError: A task has fewer.
    """
    taken: Counter[str] = Counter()
    chosen = []
    for span in _shuffled(spans, seed):
        if taken[span.task] < count:
            taken[span.task] += 1
            chosen.append(span)
    short = {task: number for task, number in taken.items() if number < count}
    if short:
        raise UserError(f"per_task: got {short} annotations, expected {count} of each task. Set a smaller per_task.")
    return _in_row_order(chosen)


def listed(spans: Sequence[Span], path: Path) -> list[Span]:
    """The spans in a list that upstream RoboVLMs published: ``data_name_list.txt`` or ``10_shot_task_data.json``.

    Raises:
        CorruptData: The list is damaged.
        UserError: It names spans that are not annotated here.
    """
    wanted = set(_read_list(path))
    missing = wanted - {(span.start, span.stop) for span in spans}
    if missing:
        raise UserError(
            f"{path} lists {len(missing)} spans that are not annotated, such as {min(missing)}. It belongs to another "
            "data set: set the path to that one, or leave spans out."
        )
    return [span for span in spans if (span.start, span.stop) in wanted]


def _read_list(path: Path) -> list[tuple[int, int]]:
    """Lines of a number, start and end; or JSON with a list of [start, end] for each task."""
    if not path.is_file():
        raise UserError(f"List of spans {path} does not exist.")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return [(int(start), int(end)) for pairs in json.loads(text).values() for start, end in pairs]
        return [(int(start), int(end)) for _, start, end in map(str.split, text.splitlines())]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptData(f"{path}: got {error}, expected lines of a number, a start and an end, or JSON.") from None


def _shuffled(spans: Sequence[Span], seed: int) -> list[Span]:
    ends = np.array([(span.start, span.stop) for span in spans], np.int64).reshape(-1, 2)
    order = np.argsort(keyed_uniform(seed, ends[:, 0], ends[:, 1]), kind="stable")
    return [spans[number] for number in order]


def _in_row_order(spans: Sequence[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: span.row)
