"""The experts: every task can be done through the action space, cleanly, and inside chains."""

import numpy as np
import pytest

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.chains import chains
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.expert_table import attempt, measure, prepare, table
from robovlms.worlds.tabletop.geometry import WORKSPACE_HIGH, WORKSPACE_LOW
from robovlms.worlds.tabletop.initial import InitialState
from robovlms.worlds.tabletop.tasks import TASKS, feasible


@pytest.fixture(scope="module")
def world():
    return Tabletop("D")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_reachable_in_every_scene(task):
    attempts = measure(task, resets=4)
    assert all(one.success for one in attempts), attempts
    assert sum(one.stalled for one in attempts) <= 0.05 * sum(one.steps for one in attempts)


def test_chains_run_through_without_a_reset(world):
    for chain in chains(4):
        world.reset(chain.initial_state, chain.seed, render=False)
        for task in chain.tasks:
            assert feasible(task, world.state()), (chain, task)
            assert attempt(world, task).success, (chain, task)


def test_actions_stay_in_range_and_waypoints_in_the_workspace(world):
    for task in ("close_drawer", "push_red_block_left", "move_slider_left", "lift_blue_block_drawer"):
        prepare(world, task, seed=1)
        world.begin_task(task)
        for action in expert(world, task):
            assert action.shape == (7,)
            assert np.abs(action).max() <= 1
            assert abs(action[6]) == 1
            target = world.simulation.pose[:3] + action[:3] * 0.04
            assert (target >= WORKSPACE_LOW - 1e-3).all()
            assert (target <= WORKSPACE_HIGH + 1e-3).all()
            if world.step(action, render=False).success:
                break


def test_an_expert_recovers_from_being_knocked_aside(world):
    """DART-style bursts on the executed action, clean labels: nine in ten must still succeed."""
    successes = 0
    for seed in range(20):
        task = ("lift_red_block_table", "open_drawer", "turn_on_lightbulb", "move_slider_left")[seed % 4]
        prepare(world, task, seed)
        world.begin_task(task)
        rng = np.random.default_rng(seed)
        for index, action in enumerate(expert(world, task)):
            noise = rng.normal(0, 0.5, 3) if index in (3, 4, 9, 10) else np.zeros(3)
            if world.step(np.append(np.clip(action[:3] + noise, -1, 1), action[3:]), render=False).success:
                successes += 1
                break
    assert successes >= 18


def test_a_block_in_hand_is_put_down_first(world):
    world.reset(InitialState(red="gripper"), seed=2, render=False)
    assert attempt(world, "open_drawer").success
    assert world.state().blocks["red"].surface == "table"


def test_an_impossible_task_ends_without_success(world):
    world.reset(InitialState(), seed=2, render=False)
    result = attempt(world, "place_in_drawer")
    assert not result.success
    assert result.steps == 0


def test_the_table_does_not_depend_on_the_processes():
    tasks = ("turn_on_led", "open_drawer")
    one, two = (list(table(tasks, resets=3, processes=count))[:4] for count in (1, 2))
    assert one == two
    assert "100.0%" in one[1]


def test_an_unknown_task_is_refused(world):
    with pytest.raises(UnknownName, match="turn_on_led"):
        expert(world, "turn_on_leds")
