"""How answers are marked: words must be equal, places near enough."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from robovlms.pretraining.batches import Prompted
from robovlms.pretraining.locations import angle_value, metric_value, pixel_value, to_bins
from robovlms.statistics.intervals import wilson

Marks = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """How the location tokens of a kind of question are read, and how near counts as right."""

    value: Callable[[int], float]
    unit: str
    tolerance: float
    factor: float = 1.0

    def cell(self, index: int) -> int:
        """Which cell, as wide as the tolerance, a location token lies in."""
        return int(self.value(index) * self.factor // self.tolerance)


_CM = 100.0
SCALES = {
    "point_offset": Scale(metric_value, "cm", 3.0, _CM),
    "offset": Scale(metric_value, "cm", 3.0, _CM),
    "opening": Scale(metric_value, "cm", 1.0, _CM),
    "point_pixel": Scale(pixel_value, "px", 2.0),
    "detect_static": Scale(pixel_value, "px", 2.0),
    "detect_wrist": Scale(pixel_value, "px", 4.0),
    "angle": Scale(angle_value, "deg", 15.0, 180 / math.pi),
}
"""Kinds answered with places: pixels of a 64-pixel image, centimetres, degrees modulo half a turn."""


def error(kind: str, answer: str, truth: str) -> float | None:
    """Distance between two answers of a place kind, in its unit; None where the answer is not of the right form."""
    scale, given, true = SCALES[kind], to_bins(answer), to_bins(truth)
    if len(given) != len(true):
        return None
    gaps = [scale.value(one) - scale.value(other) for one, other in zip(given, true, strict=True)]
    if scale.unit == "deg":
        gaps = [(gap + math.pi / 2) % math.pi - math.pi / 2 for gap in gaps]
    return math.hypot(*gaps) * scale.factor


def is_right(kind: str, answer: str, truth: str) -> bool:
    """Words must be equal; places must be within the tolerance of their kind."""
    if kind not in SCALES:
        return answer == truth
    distance = error(kind, answer, truth)
    return distance is not None and distance <= SCALES[kind].tolerance


def same_answer(kind: str, truth: str) -> Hashable:
    """What true answers have in common that count as one answer: their words, or the cells their places lie in."""
    return tuple(map(SCALES[kind].cell, to_bins(truth))) if kind in SCALES else truth


def mark(kind: str, questions: Sequence[Prompted], answers: Sequence[str]) -> Marks:
    """Accuracy of the answers to one kind with its Wilson interval; how far off places are; which words were right."""
    pairs = list(zip(answers, (question.answer for question in questions), strict=True))
    right = [truth for answer, truth in pairs if is_right(kind, answer, truth)]
    rate = wilson(len(right), len(pairs))
    marks: Marks = {"accuracy": rate.value, "ci95": [rate.low, rate.high], "n": len(pairs)}
    return marks | (_distances(kind, pairs) if kind in SCALES else _by_answer(right, [truth for _, truth in pairs]))


def _distances(kind: str, pairs: list[tuple[str, str]]) -> Marks:
    gaps = [gap for answer, truth in pairs if (gap := error(kind, answer, truth)) is not None]
    errors = {"median_error": float(np.median(gaps)), "mean_error": float(np.mean(gaps))} if gaps else {}
    return {"unit": SCALES[kind].unit, "tolerance": SCALES[kind].tolerance} | errors


def _by_answer(right: list[str], truths: list[str]) -> Marks:
    """How often each answer was right, and how often it was true."""
    hits = Counter(right)
    return {"by_answer": {truth: [hits[truth], n] for truth, n in sorted(Counter(truths).items())}}
