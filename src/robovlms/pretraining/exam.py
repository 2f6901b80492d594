"""The held-out examination: questions about frames no training saw, and how an answer is marked."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from robovlms.pretraining.batches import Prompted
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.locations import angle_value, from_bins, metric_value, pixel_value, to_bins
from robovlms.pretraining.questions import SHARES, ask

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """How the location tokens of a kind of question are read, and how near counts as right."""

    value: Callable[[int], float]
    unit: str
    tolerance: float
    factor: float = 1.0


_CM = 100.0
SCALES = {
    "point_offset": Scale(metric_value, "cm", 3.0, _CM),
    "offset": Scale(metric_value, "cm", 3.0, _CM),
    "opening": Scale(metric_value, "cm", 1.0, _CM),
    "point_pixel": Scale(pixel_value, "px", 2.0),
    "detect_static": Scale(pixel_value, "px", 2.0),
    "detect_wrist": Scale(pixel_value, "px", 4.0),
    "angle": Scale(angle_value, "deg", 15.0, 180 / np.pi),
}
"""Kinds answered with places: pixels of a 64-pixel image, centimetres, degrees modulo half a turn."""


def examine(frames: Sequence[Frame], rng: np.random.Generator) -> list[Prompted]:
    """At most one question of each kind about each frame, so that marks of a kind are independent.

    Questions about several places at once are left out: each mark is about one place.
    """
    asked = []
    for index, frame in enumerate(frames):
        for kind in SHARES:
            questions = (ask(kind, frame, rng) for _ in range(_TRIES))
            single = next((q for q in questions if q and not ("," in q[0] and kind in SCALES)), None)
            if single:
                asked.append(Prompted(index, kind, *single))
    return asked


def error(kind: str, answer: str, truth: str) -> float | None:
    """Distance between two answers of a place kind, in its unit; None where the answer is not of the right form."""
    scale, given, true = SCALES[kind], to_bins(answer), to_bins(truth)
    if len(given) != len(true):
        return None
    gaps = np.array([scale.value(one) - scale.value(other) for one, other in zip(given, true, strict=True)])
    if scale.unit == "deg":
        gaps = (gaps + np.pi / 2) % np.pi - np.pi / 2
    return float(np.linalg.norm(gaps) * scale.factor)


def is_right(kind: str, answer: str, truth: str) -> bool:
    """Words must be equal; places must be within the tolerance of their kind."""
    if kind not in SCALES:
        return answer == truth
    distance = error(kind, answer, truth)
    return distance is not None and distance <= SCALES[kind].tolerance


class Majority:
    """Answers each wording with what was most often true of it in training frames, without looking.

    A wording with few examples gets the answer of its kind. Places get the median of each coordinate.
    """

    def __init__(self, asked: Sequence[Prompted], least: int = 5):
        by_prompt, by_kind = defaultdict(list), defaultdict(list)
        for question in asked:
            by_prompt[question.kind, question.prompt].append(question.answer)
            by_kind[question.kind].append(question.answer)
        self._prompt = {key: _typical(answers) for key, answers in by_prompt.items() if len(answers) >= least}
        self._kind = {kind: _typical(answers) for kind, answers in by_kind.items()}

    def __call__(self, question: Prompted) -> str:
        """The answer to a question."""
        return self._prompt.get((question.kind, question.prompt), self._kind.get(question.kind, ""))


def _typical(answers: list[str]) -> str:
    bins = [to_bins(answer) for answer in answers]
    if not bins[0]:
        return Counter(answers).most_common(1)[0][0]
    return from_bins([int(index) for index in np.median(bins, axis=0)])
