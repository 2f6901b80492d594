"""Meta-World as a world: what is seen, what is exact, what the package itself says."""

import pickle
from importlib.util import find_spec
from itertools import islice

import numpy as np
import pytest

from robovlms.core.errors import UnknownName, UserError
from robovlms.core.protocols import World
from robovlms.worlds.metaworld.env import MOST_OPEN, InitialState, MetaWorld
from robovlms.worlds.metaworld.expert import expert
from robovlms.worlds.metaworld.package import load, unwarned
from robovlms.worlds.metaworld.tasks import MAX_STEPS, TASKS

# Not by importing it: it would import MuJoCo before an OpenGL is chosen.
pytestmark = pytest.mark.skipif(not find_spec("metaworld"), reason="pip install 'robovlms[metaworld]'")


def begin(world: MetaWorld, task: str, seed: int = 1) -> None:
    world.reset(InitialState(task), seed, render=False)
    world.begin_task(task)


def states(world: MetaWorld, actions: list[np.ndarray]) -> np.ndarray:
    return np.stack([world.step(action, render=False).observation.state for action in actions])


def played(world: MetaWorld, num: int = MAX_STEPS) -> tuple[list[np.ndarray], np.ndarray, bool]:
    """The expert's actions, everything there is to know after each, and whether it succeeded."""
    actions, seen = [], []
    for action in islice(expert(world), num):
        step = world.step(action, render=False)
        actions.append(action)
        seen.append(np.concatenate([world.simulation.seen, step.observation.state]))
        if step.success:
            break
    return actions, np.stack(seen), step.success


@pytest.fixture
def world():
    made = MetaWorld(32)
    yield made
    made.close()


def test_it_is_a_world(world):
    assert isinstance(world, World)
    assert world.observation_spec.camera_names == ("corner4", "gripperPOV")


def test_the_expert_solves_the_same_episode_as_in_the_package(world):
    begin(world, "drawer-open-v3", seed=5)
    _, ours, success = played(world)
    assert success
    with unwarned():
        env = load("metaworld.env_dict").ALL_V3_ENVIRONMENTS["drawer-open-v3"]()
        policy = load("metaworld.policies").ENV_POLICY_MAP["drawer-open-v3"]()
        env._set_task_called = env.seeded_rand_vec = True
        env._freeze_rand_vec = env._partially_observable = False
        del env.sawyer_observation_space
        env.seed(5)
        observation, _ = env.reset()
        for expected in ours:
            observation, _, _, _, info = env.step(np.clip(policy.get_action(observation), -1, 1))
            np.testing.assert_allclose(expected[:39], observation, rtol=0, atol=1e-5)
    assert info["success"]


def test_an_episode_follows_from_task_seed_and_actions_alone(world):
    begin(world, "push-v3", seed=2)
    actions, first, _ = played(world, 30)
    for task, seed in (("push-v3", 3), ("door-open-v3", 2)):
        begin(world, task, seed)
        played(world, 20)
    begin(world, "push-v3", seed=2)
    again = played(world, 30)[1]
    assert np.array_equal(first, again)
    fresh = MetaWorld(32)
    begin(fresh, "push-v3", seed=2)
    assert np.array_equal(states(fresh, actions), first[:, -4:])
    fresh.close()


def futures_are_exact(task: str, num_before: int = 40) -> None:
    one, other = MetaWorld(32), MetaWorld(32)
    begin(one, task)
    played(one, num_before)
    snapshot = one.snapshot()
    after = played(one, 120)
    begin(one, task, seed=9)  # other places, other marks
    for world in (one, other):
        world.restore(pickle.loads(pickle.dumps(snapshot)), render=False)
        actions, seen, success = played(world, 120)
        assert np.array_equal(actions, after[0])
        assert np.array_equal(seen, after[1])
        assert success == after[2]
    one.close()
    other.close()


@pytest.mark.parametrize("task", ["pick-place-v3", "lever-pull-v3"])
def test_futures_after_a_snapshot_are_bit_identical(task):
    futures_are_exact(task)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_futures_after_a_snapshot_are_bit_identical_in_all_tasks(task):
    futures_are_exact(task)


@pytest.mark.slow
def test_experts_succeed():
    world, rates = MetaWorld(32), {}
    for task in TASKS:
        done = 0
        for seed in range(10):
            begin(world, task, seed)
            done += played(world)[2]
        rates[task] = done / 10
    assert np.mean(list(rates.values())) >= 0.95, rates
    assert min(rates.values()) >= 0.5, rates


@pytest.mark.render
def test_up_is_up_and_right_is_right(world):
    world.reset(InitialState("reach-v3"), 0)
    for _ in range(30):
        world.step(np.array([0, 0, -0.5, -1]), render=False)

    def place() -> np.ndarray:
        red, green, _ = np.moveaxis(world.observe().images["corner4"].astype(int), -1, 0)
        return np.argwhere(red > green + 60).mean(0)  # of the red arm: row, column

    low = place()
    for _ in range(30):
        world.step(np.array([0, 0, 1.0, -1]), render=False)
    high = place()
    assert high[0] < low[0] - 1
    for _ in range(30):
        world.step(np.array([0, 1.0, 0, -1]), render=False)
    assert place()[1] > high[1] + 1  # away from the robot, which the camera sees to its right


@pytest.mark.render
def test_pictures_are_of_the_moment_and_only_where_asked_for(world):
    first = world.reset(InitialState("window-open-v3"), 1)
    assert {name: image.shape for name, image in first.images.items()} == {
        "corner4": (32, 32, 3),
        "gripperPOV": (32, 32, 3),
    }
    assert not world.step(np.zeros(4), render=False).observation.images
    other = world.reset(InitialState("window-open-v3"), 2)
    assert not np.array_equal(first.images["corner4"], other.images["corner4"])
    snapshot = world.snapshot()
    world.reset(InitialState("window-open-v3"), 1, render=False)
    again = world.restore(snapshot)
    assert all(np.array_equal(other.images[name], again.images[name]) for name in other.images)


def test_nothing_succeeds_before_a_task_was_begun(world):
    world.reset(InitialState("reach-v3"), 1, render=False)
    assert not played(world, 80)[2]
    begin(world, "reach-v3")
    assert played(world, 80)[2]


def test_few_tables_are_kept_and_all_come_back(world):
    begin(world, TASKS[0])
    snapshot = world.snapshot()
    for task in TASKS[1 : MOST_OPEN + 2]:
        begin(world, task)
    assert len(world._tables) == MOST_OPEN
    world.restore(snapshot, render=False)
    assert world.table == TASKS[0]


@pytest.mark.parametrize("action", [np.zeros(7), np.array([0, 0, np.nan, 0])])
def test_bad_actions_are_refused(world, action):
    begin(world, "reach-v3")
    with pytest.raises(UserError, match="four finite numbers"):
        world.step(action, render=False)


def test_bad_tasks_are_refused(world):
    with pytest.raises(UserError, match="never reset"):
        world.begin_task("reach-v3")
    with pytest.raises(UnknownName, match="'reach-v3'"):
        world.reset(InitialState("reach-v1"), 0, render=False)
    begin(world, "reach-v3")
    with pytest.raises(UserError, match=r"at the table of reach-v3"):
        world.begin_task("push-v3")
