"""What CALVIN's evaluation believes of its 34 tasks: where each may begin, in symbols, and what it leaves.

The rules behind the 1,000 chains (``calvin_agent/evaluation/multistep_sequences.py`` of mees/calvin). Their bookkeeping
is not quite the simulator's: a block placed in the cabinet is filed under the side on which the slider stands, and
lifted from the side on which it does not.
"""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, Literal, NamedTuple

Place = Literal["table", "slider_right", "slider_left", "drawer", "grasped", "stacked_top", "stacked_bottom"]
BLOCKS = ("red", "blue", "pink")


class Symbols(NamedTuple):
    """The table in words: slider 'right' or 'left', drawer 'closed' or 'open', the places of ``BLOCKS`` in order."""

    led: int
    lightbulb: int
    slider: str
    drawer: str
    blocks: tuple[Place, ...]

    def at(self, *places: Place) -> list[int]:
        """Indices of the blocks at any of these places."""
        return [index for index, place in enumerate(self.blocks) if place in places]

    def put(self, places: dict[int, Place]) -> "Symbols":
        """The same table with some blocks, given by their index, elsewhere."""
        return self._replace(blocks=tuple(places.get(index, at) for index, at in enumerate(self.blocks)))


Rule = Callable[[Symbols], list[Symbols]]
"""The tables that a task may leave; none where it cannot begin."""


def _switch(fixture: str, end: Any) -> Rule:
    return lambda now: [now._replace(**{fixture: end})] if getattr(now, fixture) != end else []


def _stay(block: int) -> Rule:
    return lambda now: [now] if now.blocks[block] == "table" else []


def _lift(block: int, origin: str) -> Rule:
    def rule(now: Symbols) -> list[Symbols]:
        behind = "slider_left" if now.slider == "right" else "slider_right"
        within_reach = {"table": "table", "slider": behind, "drawer": "drawer" if now.drawer == "open" else None}
        return [now.put({block: "grasped"})] if now.blocks[block] == within_reach[origin] else []

    return rule


def _place_in_slider(now: Symbols) -> list[Symbols]:
    side: Place = "slider_right" if now.slider == "right" else "slider_left"
    return [now.put({held: side}) for held in now.at("grasped")]


def _place_in_drawer(now: Symbols) -> list[Symbols]:
    return [now.put({held: "drawer"}) for held in now.at("grasped") if now.drawer == "open"]


def _stack(now: Symbols) -> list[Symbols]:
    pairs = product(now.at("grasped"), now.at("table"))
    return [now.put({held: "stacked_top", base: "stacked_bottom"}) for held, base in pairs]


def _unstack(now: Symbols) -> list[Symbols]:
    pairs = product(now.at("stacked_top"), now.at("stacked_bottom"))
    return [now.put({top: "table", bottom: "table"}) for top, bottom in pairs]


def _push_into_drawer(now: Symbols) -> list[Symbols]:
    alone = len(now.at("slider_right", "slider_left")) == len(BLOCKS) - 1
    return [now.put({block: "drawer"}) for block in now.at("table") if alone and now.drawer == "open"]


_WITH_A_BLOCK: dict[str, Rule] = {
    "place_in_slider": _place_in_slider,
    "place_in_drawer": _place_in_drawer,
    "stack_block": _stack,
}
"""Tasks that begin with a block in the gripper; all others begin with none."""

_RULES: dict[str, Rule] = {
    **{
        f"{verb}_{name}_block_{side}": _stay(block)
        for verb in ("rotate", "push")
        for block, name in enumerate(BLOCKS)
        for side in ("right", "left")
    },
    "move_slider_left": _switch("slider", "left"),
    "move_slider_right": _switch("slider", "right"),
    "open_drawer": _switch("drawer", "open"),
    "close_drawer": _switch("drawer", "closed"),
    **{
        f"lift_{name}_block_{origin}": _lift(block, origin)
        for block, name in enumerate(BLOCKS)
        for origin in ("table", "slider", "drawer")
    },
    **_WITH_A_BLOCK,
    "unstack_block": _unstack,
    **{
        f"turn_{way}_{light}": _switch(light, int(way == "on"))
        for light in ("lightbulb", "led")
        for way in ("on", "off")
    },
    "push_into_drawer": _push_into_drawer,
}

TASKS = tuple(_RULES)
"""The 34 tasks, in the order in which the chains' draws count them."""


@cache
def outcome(task: str, now: Symbols) -> Symbols | None:
    """The table after ``task``; None where it cannot begin or might end in two ways."""
    if bool(now.at("grasped")) is not (task in _WITH_A_BLOCK):
        return None
    ends = _RULES[task](now)
    return ends[0] if len(ends) == 1 else None


def category(task: str) -> str:
    """The kind of a task; a chain asks for at most one of each."""
    if task.startswith(("rotate", "push_")) and task != "push_into_drawer":
        return "move a block"
    if task.startswith("lift"):
        return "lift from the " + task.rsplit("_", 1)[1]
    kinds = {"move": "slider", "open": "drawer", "close": "drawer", "place": "place", "turn": "light"}
    return kinds.get(task.split("_")[0], task)
