"""Rules of the sentences: enough of them, each of one task only, and a validation sentence that is new but readable."""

import re
from collections import Counter

import pytest

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.tasks import TASKS

TRAIN = {task: instructions(task, "train") for task in TASKS}
VALIDATION = {task: instructions(task, "validation") for task in TASKS}


def test_eight_or_more_training_sentences_and_one_for_validation():
    assert min(len(set(sentences)) for sentences in TRAIN.values()) >= 8
    assert {len(sentences) for sentences in VALIDATION.values()} == {1}


def test_no_sentence_belongs_to_two_tasks_or_to_both_splits():
    every = Counter(s for by_task in (TRAIN, VALIDATION) for sentences in by_task.values() for s in sentences)
    assert not [sentence for sentence, count in every.items() if count > 1]


def test_validation_uses_only_words_of_training():
    known = {word for sentences in TRAIN.values() for sentence in sentences for word in sentence.split()}
    asked = {word for (sentence,) in VALIDATION.values() for word in sentence.split()}
    assert asked <= known


def test_sentences_are_plain_lower_case_words():
    for sentences in [*TRAIN.values(), *VALIDATION.values()]:
        assert all(re.fullmatch(r"[a-z]+( [a-z]+)+", sentence) for sentence in sentences)


@pytest.mark.parametrize("task", TASKS)
def test_sentences_name_the_color_and_the_side_of_their_task(task):
    colors, words = {"red", "blue", "pink"}, set(task.split("_"))
    for sentence in TRAIN[task] + VALIDATION[task]:
        said = set(sentence.split())
        assert said & colors == words & colors
        if words & {"left", "right"}:
            sides = {"left": {"left", "counterclockwise"}, "right": {"right", "clockwise"}}
            assert {side for side, names in sides.items() if said & names} == words & {"left", "right"}


def test_unknown_task_and_split():
    with pytest.raises(UnknownName, match="open_drawer"):
        instructions("open_the_drawer", "train")
    with pytest.raises(UnknownName, match="validation"):
        instructions("open_drawer", "valid")
