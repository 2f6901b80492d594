"""Answer-balanced questions: an examination in which no constant answer does well.

As in VQA v2 (Goyal et al., 2017), a wording is asked about images that differ in its answer. One rule for all kinds:
questions are drawn in rounds, and a round takes one question of each wording with each of its answers. For places an
answer is a cell as wide as the tolerance, so that the truths are spread evenly over wherever the thing is ever found.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from robovlms.pretraining.batches import Prompted
from robovlms.pretraining.marking import same_answer


def balanced(questions: Sequence[Prompted], number: int, rng: np.random.Generator) -> list[Prompted]:
    """Draw at most ``number`` questions in rounds, at most one about each frame, so that their marks are independent.

    An answer that has run out leaves its rounds to the others.
    """
    groups = _by_answer(questions, rng)
    chosen: list[Prompted] = []
    asked: set[int] = set()
    while groups and len(chosen) < number:
        for index in rng.permutation(len(groups)):
            question = _next_new(groups[index], asked)
            if question:
                chosen.append(question)
                asked.add(question.frame)
        groups = [group for group in groups if group]
    return chosen[:number]


def _by_answer(questions: Sequence[Prompted], rng: np.random.Generator) -> list[list[Prompted]]:
    """Questions of the same wording and answer together, in random order."""
    groups: dict[Hashable, list[Prompted]] = defaultdict(list)
    for index in rng.permutation(len(questions)):
        question = questions[index]
        groups[question.prompt, same_answer(question.kind, question.answer)].append(question)
    return list(groups.values())


def _next_new(group: list[Prompted], asked: set[int]) -> Prompted | None:
    """The group's next question about a frame not asked about before."""
    while group:
        question = group.pop()
        if question.frame not in asked:
            return question
    return None
