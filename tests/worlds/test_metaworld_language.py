"""Meta-World's sentences and conventions, which need no simulator."""

from collections import Counter

import pytest

from robovlms.core.errors import UnknownName, UserError
from robovlms.worlds.metaworld.conventions import ACTION_SPEC, observation_spec
from robovlms.worlds.metaworld.language import SPLITS, instructions
from robovlms.worlds.metaworld.tasks import MT10, TASKS, task_set


def test_every_task_has_sentences_for_training_and_others_that_are_held_out():
    assert len(TASKS) == 50
    for task in TASKS:
        train, held_out = (instructions(task, split) for split in SPLITS)
        assert len(train) >= 4
        assert len(held_out) == 2
        for sentence in train + held_out:
            assert sentence == sentence.lower().strip(" .")


def test_no_sentence_means_two_tasks_or_occurs_in_both_splits():
    counts = Counter(sentence for task in TASKS for split in SPLITS for sentence in instructions(task, split))
    assert {sentence for sentence, count in counts.items() if count > 1} == set()


@pytest.mark.parametrize("tasks", [MT10, TASKS])
def test_held_out_sentences_are_made_of_words_of_training(tasks):
    known = {word for task in tasks for sentence in instructions(task, "train") for word in sentence.split()}
    for sentence in (sentence for task in tasks for sentence in instructions(task, "validation")):
        assert set(sentence.split()) <= known, sentence


def test_task_sets():
    assert len(MT10) == 10
    assert task_set("mt10") == MT10
    assert task_set("mt50") == TASKS
    assert task_set(("window-open-v3", "door-open-v3")) == ("door-open-v3", "window-open-v3")
    with pytest.raises(UnknownName, match="'reach-v3'"):
        task_set("reach-v2")


def test_unknown_split():
    with pytest.raises(UnknownName, match="validation"):
        instructions("reach-v3", "test")


def test_a_policy_sees_no_objects():
    spec = observation_spec(32, ("corner2",))
    assert spec.state_names == ("tcp_position", "gripper_width")
    assert [(camera.name, camera.height, camera.width) for camera in spec.cameras] == [("corner2", 32, 32)]
    assert ACTION_SPEC.dims == 4
    assert ACTION_SPEC.rate_hz == spec.rate_hz == 80


@pytest.mark.parametrize(("size", "cameras", "words"), [(4, ("corner",), "8 to 1280"), (64, (), "Got no cameras")])
def test_pictures_that_cannot_be(size, cameras, words):
    with pytest.raises(UserError, match=words):
        observation_spec(size, cameras)
