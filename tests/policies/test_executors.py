"""Executors: which row of which plan becomes the action."""

import numpy as np
import pytest

from robovlms.core.errors import UserError
from robovlms.policies.executors import parse_executor


def plan(start, k=4, a=2):
    return start + np.arange(k, dtype=np.float32)[:, None] * np.ones((1, a), np.float32)


def play(executor, episode, num_steps, k=4):
    """Plans are numbered 100, 200, ...; returns what was played and at which steps a plan was asked for."""
    actions, planned = [], []
    for step in range(num_steps):
        if executor.due(episode):
            planned.append(step)
            executor.push(episode, plan(100.0 * len(planned), k))
        actions.append(float(executor.next(episode)[0]))
    return actions, planned


def test_first_replans_every_step():
    assert play(parse_executor("first"), "e", 3) == ([100, 200, 300], [0, 1, 2])


def test_chunk_plays_its_part_then_replans():
    assert play(parse_executor("chunk:3"), "e", 7) == ([100, 101, 102, 200, 201, 202, 300], [0, 3, 6])


@pytest.mark.parametrize("text", ["chunk:3", "ensemble:0.1", "first"])
@pytest.mark.parametrize("clear", ["instruct", "reset"])
def test_a_new_instruction_drops_the_old_plan(text, clear):
    executor = parse_executor(text)
    play(executor, "e", 2)
    getattr(executor, clear)("e")
    assert executor.due("e")
    executor.push("e", plan(900))
    assert executor.next("e")[0] == 900


def test_episodes_do_not_mix():
    executor = parse_executor("chunk:2")
    executor.push("a", plan(0))
    assert not executor.due("a")
    assert executor.due("b")
    executor.push("b", plan(50))
    executor.reset("a")
    assert executor.next("b")[0] == 50


def test_ensemble_averages_overlapping_plans():
    executor = parse_executor("ensemble:0.5")
    actions, planned = play(executor, "e", 4, k=2)
    old, new = 1.0, np.exp(-0.5)
    expected = [100] + [(old * (100 * n + 1) + new * 100 * (n + 1)) / (old + new) for n in (1, 2, 3)]
    assert planned == [0, 1, 2, 3]
    assert actions == pytest.approx(expected)


def test_ensemble_keeps_dtype_and_never_repeats_a_plan():
    executor = parse_executor("ensemble:0")
    executor.push("e", plan(1))
    assert executor.next("e").dtype == np.float32
    with pytest.raises(AssertionError, match="due"):
        executor.next("e")


def test_chunk_longer_than_the_plan_is_refused():
    with pytest.raises(UserError, match="plans 4"):
        parse_executor("chunk:5").push("e", plan(0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chunk",
        "chunk:",
        "chunk:0",
        "chunk:2.5",
        "chunk:x",
        "ensemble:-1",
        "ensemble:nan",
        "chunk:inf",
        "last",
        "first:2",
    ],
)
def test_bad_executors_are_user_errors(text):
    with pytest.raises(UserError, match="xecutor"):
        parse_executor(text)


def test_near_name_is_offered():
    with pytest.raises(UserError, match="chunk:5"):
        parse_executor("chunks:5")
