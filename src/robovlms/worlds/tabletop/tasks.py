"""The 34 tasks, under CALVIN's own names: what they are, whether one succeeded, whether one can begin."""

from functools import partial

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop import predicates
from robovlms.worlds.tabletop.geometry import DOOR_TRAVEL, DRAWER_TRAVEL, WORKSPACE_HIGH
from robovlms.worlds.tabletop.state import BLOCKS, SceneState
from robovlms.worlds.tabletop.symbolic import Symbols, outcome
from robovlms.worlds.task_sets import chosen

_SIDES = ("right", "left")

_PREDICATES: dict[str, predicates.Predicate] = {
    **{f"rotate_{b}_block_{side}": predicates.rotated(b, side) for b in BLOCKS for side in _SIDES},
    **{f"push_{b}_block_{side}": predicates.pushed(b, side) for b in BLOCKS for side in _SIDES},
    "move_slider_left": predicates.moved("slider", predicates.SLIDER_M),
    "move_slider_right": predicates.moved("slider", -predicates.SLIDER_M),
    "open_drawer": predicates.moved("drawer", predicates.DRAWER_M),
    "close_drawer": predicates.moved("drawer", -predicates.DRAWER_M),
    **{f"lift_{b}_block_{place}": predicates.lifted(b, place) for b in BLOCKS for place in predicates.LIFT_M},
    "place_in_slider": predicates.placed("slider"),
    "place_in_drawer": predicates.placed("drawer"),
    "stack_block": predicates.stacked,
    "unstack_block": predicates.unstacked,
    "turn_on_lightbulb": predicates.switched("bulb", on=True),
    "turn_off_lightbulb": predicates.switched("bulb", on=False),
    "turn_on_led": predicates.switched("led", on=True),
    "turn_off_led": predicates.switched("led", on=False),
    "push_into_drawer": predicates.pushed_into_drawer,
}

TASKS: tuple[str, ...] = tuple(_PREDICATES)
"""Every task, in the order of CALVIN's task file."""

_FIXTURES = ("move_slider", "open_drawer", "close_drawer", "turn_on", "turn_off")

FIXTURES_DRAWER = tuple(task for task in TASKS if task.startswith(_FIXTURES) or task == "place_in_drawer")
TABLE_LIFTS = tuple(task for task in TASKS if task.startswith("lift") and task.endswith("table"))

TASK_SETS: dict[str, tuple[str, ...]] = {
    "all": TASKS,
    "fixtures_drawer": FIXTURES_DRAWER,
    "twelve": tuple(task for task in TASKS if task in FIXTURES_DRAWER + TABLE_LIFTS),
}
"""Named sets. ``fixtures_drawer`` (9): every task that moves or switches a fixture, and every *placement* (CALVIN's
``place_object``) into the drawer; ``push_into_drawer`` is a push in CALVIN's oracle, so it is not in it. ``twelve``
adds the lifts from the table."""

PUSH_ROOM_M = 0.02
"""How far beyond the distance asked for a block must be free to go, for a push to be worth beginning."""


task_set = partial(chosen, TASKS, TASK_SETS)
"""Tasks by the name of a set or by their own names, in the order of ``TASKS``; see ``task_sets.chosen``."""


def check(task: str, before: SceneState, after: SceneState) -> bool:
    """Whether ``task`` succeeded between the state when it began and the state now.

    Raises:
        UnknownName: no task is called that.
    """
    if task not in _PREDICATES:
        raise UnknownName("task", task, TASKS)
    return _PREDICATES[task](before, after)


def feasible(task: str, state: SceneState) -> bool:
    """Whether ``task`` can begin in a live state: its symbolic condition holds and it has the room it needs."""
    if task not in _PREDICATES:
        raise UnknownName("task", task, TASKS)
    return outcome(task, Symbols.of_scene(state)) is not None and _has_room(task, state)


def _has_room(task: str, state: SceneState) -> bool:
    """Whether the fixture or the block can still travel as far as the task's predicate asks."""
    if task == "move_slider_left":
        return DOOR_TRAVEL - state.slider > predicates.SLIDER_M
    if task == "move_slider_right":
        return state.slider > predicates.SLIDER_M
    if task == "open_drawer":
        return DRAWER_TRAVEL - state.drawer > predicates.DRAWER_M
    if task == "close_drawer":
        return state.drawer > predicates.DRAWER_M
    if task.startswith("push") and task != "push_into_drawer":
        _, block, _, side = task.split("_")
        sign = 1.0 if side == "right" else -1.0
        reached = sign * state.blocks[block].position[0] + predicates.PUSH_M + PUSH_ROOM_M
        return bool(reached < WORKSPACE_HIGH[0])
    return True
