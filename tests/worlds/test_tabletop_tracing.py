"""What the tabletop tells of a task, held against what the experts do."""

import numpy as np
import pytest

from robovlms.core.errors import UserError
from robovlms.core.trace import Traced
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.chains import random_initial_state
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.tasks import TASKS

PLAYED = (
    "rotate_red_block_left", "push_blue_block_right", "lift_pink_block_table", "lift_red_block_slider",
    "move_slider_left", "open_drawer", "place_in_drawer", "stack_block", "turn_on_lightbulb", "turn_off_led",
)  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return Tabletop("D")


def begin(world, task, seed=0):
    world.reset(random_initial_state(np.random.default_rng(seed), task), seed, render=False)
    world.begin_task(task)
    return world.aim()


@pytest.mark.parametrize("task", PLAYED)
def test_experts_work_on_what_a_task_is_about(world, task):
    aim = begin(world, task)
    trace = [world.moment()]
    for action in expert(world, task):
        done = world.step(action, render=False).success
        trace.append(world.moment())
        if done:
            break
    assert done
    assert aim.objects
    first, last = trace[0].objects, trace[-1].objects
    touched = {name for moment in trace for name in moment.touched}
    moved = {name for name in first if np.linalg.norm(last[name] - first[name]) > 0.005}
    assert (touched | moved) & aim.objects
    held = [moment.held for moment in trace]
    assert aim.grasp == bool(aim.objects & set(held))
    if aim.carry and not aim.goals:
        assert held[-1] in aim.objects
    if aim.goals:
        assert held[0] in aim.objects
        nearest = min(np.linalg.norm(last[held[0]] - last[name]) for name in aim.goals)
        assert nearest < 0.25


def test_every_task_is_about_objects_that_are_traced(world):
    for task in TASKS:
        aim = begin(world, task) if task != "unstack_block" else begin(world, "stack_block")
        assert aim.objects | aim.goals <= set(world.moment().objects)
        assert aim.objects


def test_a_moment_names_what_is_held_and_lit(world):
    begin(world, "place_in_slider")
    moment = world.moment()
    assert isinstance(world, Traced)
    assert moment.closed
    assert moment.held == world.state().held
    assert moment.held in moment.touched
    assert ("button" in moment.lit) == world.state().led
    assert ("switch" in moment.lit) == world.state().bulb
    np.testing.assert_array_equal(moment.tool, world.state().tcp)
    world.step(np.array([0, 0, 1, 0, 0, 0, 1.0]), render=False)
    assert world.moment().held is None
    assert not world.moment().closed


def test_fingers_closed_on_nothing_hold_nothing(world):
    begin(world, "open_drawer")
    for _ in range(5):
        world.step(np.array([0, 0, 0, 0, 0, 0, -1.0]), render=False)
    assert world.moment().closed
    assert world.moment().held is None
    assert not world.moment().touched


def test_aiming_before_a_task_is_refused(world):
    world.reset(random_initial_state(np.random.default_rng(0)), 0, render=False)
    with pytest.raises(UserError, match="begin_task"):
        world.aim()
