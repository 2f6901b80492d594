"""The scripted experts: one motion for each of the 34 tasks."""

from collections.abc import Callable

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop import expert_blocks as blocks
from robovlms.worlds.tabletop import expert_fixtures as fixtures
from robovlms.worlds.tabletop.env import Tabletop
from robovlms.worlds.tabletop.motion import Motion
from robovlms.worlds.tabletop.state import SceneState
from robovlms.worlds.tabletop.tasks import TASKS

_MOTIONS: dict[str, Callable[[Tabletop], Motion]] = {
    "move_slider_left": lambda world: fixtures.move_slider(world, "left"),
    "move_slider_right": lambda world: fixtures.move_slider(world, "right"),
    "open_drawer": lambda world: fixtures.move_drawer(world, opening=True),
    "close_drawer": lambda world: fixtures.move_drawer(world, opening=False),
    "turn_on_lightbulb": lambda world: fixtures.turn_lever(world, up=True),
    "turn_off_lightbulb": lambda world: fixtures.turn_lever(world, up=False),
    "turn_on_led": fixtures.press_button,
    "turn_off_led": fixtures.press_button,
    "push_into_drawer": blocks.push_into_drawer,
    "unstack_block": blocks.unstack,
}

_MOTIONS_IN_HAND: dict[str, Callable[[Tabletop, str], Motion]] = {
    "place_in_drawer": blocks.place_in_drawer,
    "place_in_slider": blocks.place_in_slider,
    "stack_block": blocks.stack,
}
ATTEMPTS = 4
"""A motion that was disturbed is tried again from wherever it ended."""


def expert(world: Tabletop, task: str) -> Motion:
    """Clean actions (7, in [-1, 1]) that carry out ``task``, computed from the live world and never from predicates.

    The caller steps the world between two actions and stops at success; a motion that ends without success failed.

    Raises:
        UnknownName: no such task.
    """
    if task not in TASKS:
        raise UnknownName("task", task, TASKS)
    return _run(world, task)


def _run(world: Tabletop, task: str) -> Motion:
    begin = world.state()
    for _ in range(ATTEMPTS):
        if task not in _MOTIONS_IN_HAND:
            yield from blocks.let_go(world)
            yield from _motion(world, task, begin)
        elif begin.held is not None:
            yield from _MOTIONS_IN_HAND[task](world, begin.held)


def _motion(world: Tabletop, task: str, begin: SceneState) -> Motion:
    if task in _MOTIONS:
        return _MOTIONS[task](world)
    verb, name, _, how = task.split("_")
    if verb == "lift":
        return blocks.lift(world, name)
    return {"rotate": blocks.rotate, "push": blocks.push}[verb](world, name, how, begin.blocks[name])
