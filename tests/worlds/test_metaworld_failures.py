"""What Meta-World tells of an attempt gives it the right name: mistakes made on purpose, and experts that make none."""

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

from robovlms.evaluation.attempt import Attempt
from robovlms.evaluation.failures import failure_of
from robovlms.worlds.metaworld.env import InitialState, MetaWorld
from robovlms.worlds.metaworld.expert import expert
from robovlms.worlds.metaworld.package import load, unwarned
from robovlms.worlds.metaworld.sensing import BESIDE, GRASPED, OBJECT, REACHED, UNNAMED
from robovlms.worlds.metaworld.tasks import MAX_STEPS, TASKS

RATE_HZ = 80.0
REST = np.array([0.0, 0.0, 0.0, -1.0])
pytestmark = pytest.mark.skipif(not find_spec("metaworld"), reason="pip install 'robovlms[metaworld]'")


@pytest.fixture(scope="module")
def world():
    world = MetaWorld()
    yield world
    world.close()


def wander(up: float = 1.0) -> Iterator[np.ndarray]:
    """Wide circles above the table, with the gripper open."""
    for step in range(10**6):
        angle = step / 25
        yield np.array([np.cos(angle), np.sin(angle), up if step < 25 else 0.0, -1.0])


def drops(world: MetaWorld) -> Iterator[np.ndarray]:
    """The expert's actions until the object is off the table, then an open gripper."""
    start, actions = world.moment().objects[OBJECT][2], expert(world)
    while world.moment().held != OBJECT or world.moment().objects[OBJECT][2] < start + 0.02:
        yield next(actions)
    yield from wander(0.0)


def misses(world: MetaWorld) -> Iterator[np.ndarray]:
    """To five centimetres above the object, where the gripper closes on nothing."""
    for _ in range(120):
        off = world.moment().objects[OBJECT] + [0, 0, 0.05] - world.moment().tool
        yield np.array([*np.clip(10 * off, -1, 1), -1.0])
    yield from (np.array([0, 0, 0, 1.0]) for _ in range(20))
    yield from wander()


def pushes_the_puck(world: MetaWorld) -> Iterator[np.ndarray]:
    """What the expert of pushing does, where the task is to reach a place."""
    policy = load("metaworld.policies").ENV_POLICY_MAP["push-v3"]()
    while True:
        with unwarned():
            yield np.clip(policy.get_action(world.simulation.seen), -1, 1)


def played(world: MetaWorld, task: str, actions: Iterator[np.ndarray], seed: int = 0) -> tuple[list, bool]:
    """The trace until the task succeeds or its time is over."""
    world.reset(InitialState(task), seed, render=False)
    world.begin_task(task)
    trace = [world.moment()]
    for action, _ in zip(actions, range(MAX_STEPS), strict=False):
        done = world.step(action, render=False).success
        trace.append(world.moment())
        if done:
            return trace, True
    return trace, False


@pytest.mark.parametrize(
    ("task", "actions", "name"),
    [
        ("pick-place-v3", drops, "dropped"),
        ("pick-place-v3", misses, "missed_grasp"),
        ("drawer-open-v3", lambda _: wander(), "never_reached"),
        ("reach-v3", lambda _: wander(), "never_reached"),
        ("drawer-open-v3", lambda _: (REST for _ in range(MAX_STEPS)), "stuck"),
        ("reach-v3", pushes_the_puck, "wrong_object"),
    ],
)
def test_a_mistake_has_its_name(world, task, actions, name):
    trace, _ = played(world, task, actions(world), seed=2)
    assert failure_of(world.aim(), trace, RATE_HZ) == name


def test_a_snapshot_keeps_what_the_gripper_was_told(world):
    played(world, "reach-v3", iter([np.array([0, 0, 0, 1.0])]))
    kept = world.snapshot()
    world.step(REST, render=False)
    assert not world.moment().closed
    world.restore(kept, render=False)
    assert world.moment().closed


def check_expert(world: MetaWorld, task: str) -> None:
    """An expert that succeeds was seen to touch its object, and to hold it where that takes a grip."""
    attempt = next(
        Attempt(world.aim(), trace, RATE_HZ)
        for seed in range(10)
        for trace, done in [played(world, task, expert(world), seed)]
        if done
    )
    assert task in REACHED or attempt.reaches_own()
    assert task not in GRASPED or attempt.holds_own().any()
    beside = {BESIDE[task] or UNNAMED} if task in BESIDE else set()
    assert attempt.trace[0].objects.keys() == {OBJECT} | beside


@pytest.mark.parametrize("task", ["hammer-v3", "door-open-v3", "stick-push-v3", "coffee-button-v3"])
def test_an_expert_is_seen_at_its_object(world, task):
    check_expert(world, task)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_expert_is_seen_at_its_object(world, task):
    check_expert(world, task)
