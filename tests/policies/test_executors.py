"""Executors: which row of which plan becomes the action."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.errors import UserError
from robovlms.policies.executors import parse_executor

GRIPPER = ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1)
SPEC = ActionSpec(components=(ActionComponent(name="position", dims=1, kind="delta_position"), GRIPPER), rate_hz=10)
HELD = 0.0


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
    executor = parse_executor(text, SPEC)
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
        "chunk:3@",
        "chunk:3@0",
        "chunk:3@-1",
        "chunk:3@1.5",
        "@2",
        "rtc",
        "rtc:2@3",
    ],
)
def test_bad_executors_are_user_errors(text):
    with pytest.raises(UserError, match="xecutor"):
        parse_executor(text)


def test_near_name_is_offered():
    with pytest.raises(UserError, match="chunk:5"):
        parse_executor("chunks:5")


@pytest.mark.parametrize(
    ("text", "actions", "planned"),
    [
        # The plan of step 5 arrives at 7, in place of row 5 of the plan before; its own rows 0 and 1 are over by then.
        ("chunk:3@2", [HELD, HELD, 100, 101, 102, 103, 104, 202, 203, 204, 302], [0, 5, 8]),
        ("rtc:3@2", [HELD, HELD, 100, 101, 102, 103, 104, 202, 203, 204, 302], [0, 5, 8]),
        ("first@2", [HELD, HELD, 100, 101, 102, 202, 302, 402], [0, 3, 4, 5, 6, 7]),
        ("chunk:1@1", [HELD, 100, 101, 201, 301], [0, 2, 3, 4]),
        ("ensemble:0@1", [HELD, 100, 101, (102 + 201) / 2, (103 + 202 + 301) / 3], [0, 2, 3, 4]),
    ],
)
def test_a_late_plan_is_played_from_the_row_that_is_for_now(text, actions, planned):
    assert play(parse_executor(text, SPEC), "e", len(actions), k=5) == (pytest.approx(actions), planned)


def test_without_a_plan_the_robot_holds_still_and_keeps_what_it_grips():
    executor = parse_executor("chunk:2@1", SPEC)
    executor.push("e", np.array([[0.5, -1.0]] * 3, np.float32))
    assert [executor.next("e").tolist() for _ in range(3)] == [[0, 1], [0.5, -1], [0.5, -1]]
    executor.instruct("e")
    executor.push("e", np.array([[0.2, 1.0]] * 3, np.float32))
    assert executor.next("e").tolist() == [0, -1]
    assert executor.next("e")[0] == np.float32(0.2)
    executor.reset("e")
    executor.push("e", plan(0))
    assert executor.next("e").tolist() == [0, 1]


def test_plans_on_their_way_are_dropped_with_their_instruction():
    executor = parse_executor("chunk:2@2", SPEC)
    executor.push("e", plan(100))
    executor.next("e")
    executor.instruct("e")
    assert executor.due("e")
    executor.push("e", plan(500))
    assert [executor.next("e")[0] for _ in range(3)] == [HELD, HELD, 500]


def test_a_plan_must_last_until_the_next_one_arrives():
    executor = parse_executor("chunk:3@2", SPEC)
    executor.require(5)
    with pytest.raises(UserError, match="at least 5"):
        executor.require(4)


def test_the_rest_of_the_running_plan_is_what_will_be_played_if_nothing_arrives():
    executor = parse_executor("rtc:3@2", SPEC)
    assert executor.continues
    assert executor.rest("e") is None
    played, _ = play(executor, "e", 5, k=8)
    assert executor.due("e")
    rest = executor.rest("e")
    assert rest[:, 0].tolist() == [103, 104, 105, 106, 107]
    executor.push("e", plan(200, k=8))
    assert [executor.next("e")[0] for _ in range(3)] == [103, 104, 202]
    assert played == [HELD, HELD, 100, 101, 102]


def test_where_nothing_but_the_pose_holds_a_latency_is_refused():
    joints = ActionComponent(name="joints", dims=1, kind="joint_position", unit="rad")
    absolute = SPEC.model_copy(update={"components": (joints, GRIPPER)})
    parse_executor("chunk:3", absolute)
    with pytest.raises(UserError, match=r"joints.*without a latency"):
        parse_executor("chunk:3@1", absolute)


EXECUTORS = st.builds(
    lambda kind, every, delay: f"{kind if kind != 'chunk' else f'chunk:{every}'}" + (f"@{delay}" if delay else ""),
    st.sampled_from(["first", "chunk", "ensemble:0.1"]),
    st.integers(1, 5),
    st.integers(0, 4),
)


@given(EXECUTORS, st.integers(0, 12), st.integers(1, 12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_is_due_later_is_known_before(text, before, ahead, pushed):
    executor = parse_executor(text, SPEC)
    play(executor, "e", before, k=9)
    if pushed and executor.due("e"):
        executor.push("e", plan(0, k=9))
    expected = executor.due("e", ahead)
    if executor.due("e"):
        executor.push("e", plan(0, k=9))
    executor.next("e")
    play(executor, "e", ahead - 1, k=9)
    assert executor.due("e") == expected


@given(EXECUTORS, st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["next", "next", "instruct", "reset"]))))
@settings(max_examples=100, deadline=None)
def test_what_one_episode_does_never_reaches_another(text, events):
    def run(only):
        executor, number, actions = parse_executor(text, SPEC), dict.fromkeys("abc", 0), []
        for episode, event in events:
            if episode not in only:
                continue
            if event != "next":
                getattr(executor, event)(episode)
                continue
            if executor.due(episode):
                number[episode] += 1
                executor.push(episode, plan(100.0 * number[episode] + ord(episode), k=9))
            actions.append((episode, executor.next(episode).tolist()))
        return actions

    together = run("abc")
    for episode in "abc":
        assert [a for a in together if a[0] == episode] == run(episode)
