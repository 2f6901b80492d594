"""The held-out examination: questions about frames no training saw, balanced by answer, and the majority's answers."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from robovlms.pretraining.balance import balanced
from robovlms.pretraining.batches import Prompted
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.marking import SCALES, is_right
from robovlms.pretraining.questions import SHARES, ask

_TRIES = 4
"""Questions of a kind drawn about a frame, of which at most one is asked."""


def examine(frames: Sequence[Frame], number: int, rng: np.random.Generator) -> list[Prompted]:
    """At most ``number`` questions of each kind about the frames, each wording's answers drawn evenly.

    Questions about several places at once are left out: each mark is about one place.
    """
    return [question for kind in SHARES for question in balanced(_possible(kind, frames, rng), number, rng)]


def _possible(kind: str, frames: Sequence[Frame], rng: np.random.Generator) -> list[Prompted]:
    drawn = ((index, ask(kind, frame, rng)) for index, frame in enumerate(frames) for _ in range(_TRIES))
    return [Prompted(index, kind, *q) for index, q in drawn if q and not ("," in q[0] and kind in SCALES)]


class Majority:
    """Answers each wording with the one answer that is right most often in training frames, without looking.

    A wording with few examples gets the answer of its kind.
    """

    def __init__(self, asked: Sequence[Prompted], least: int = 5):
        by_prompt, by_kind = defaultdict(list), defaultdict(list)
        for question in asked:
            by_prompt[question.kind, question.prompt].append(question.answer)
            by_kind[question.kind].append(question.answer)
        self._prompt = {key: _best(key[0], answers) for key, answers in by_prompt.items() if len(answers) >= least}
        self._kind = {kind: _best(kind, answers) for kind, answers in by_kind.items()}

    def __call__(self, question: Prompted) -> str:
        """The answer to a question."""
        return self._prompt.get((question.kind, question.prompt), self._kind.get(question.kind, ""))


def _best(kind: str, answers: list[str]) -> str:
    return max(sorted(set(answers)), key=lambda one: sum(is_right(kind, one, truth) for truth in answers))
