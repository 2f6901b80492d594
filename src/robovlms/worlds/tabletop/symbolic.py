"""Which task can follow which: conditions and effects of the 34 tasks on a symbolic state.

The table is CALVIN's (``multistep_sequences.py``): only lifts end with a block in the gripper, and only placing and
stacking may begin with one. Two entries follow the world instead of CALVIN's bookkeeping: a block placed in the
cabinet lies in the compartment the door leaves open (CALVIN files it under the door's side), and a compartment or the
drawer takes one block only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from robovlms.worlds.tabletop.geometry import DOOR_TRAVEL, DRAWER_TRAVEL
from robovlms.worlds.tabletop.initial import InitialState
from robovlms.worlds.tabletop.state import BLOCKS, SceneState

Place = Literal["table", "slider_left", "slider_right", "drawer", "gripper", "top", "bottom", "elsewhere"]
"""``top`` and ``bottom`` are the two blocks of a stack; ``elsewhere`` (falling, outside) suits no task."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """The world in words; ``blocks`` holds the places of ``BLOCKS`` in order."""

    slider: Literal["left", "right"]
    drawer: Literal["open", "closed"]
    lightbulb: bool
    led: bool
    blocks: tuple[Place, ...]

    @classmethod
    def of_initial(cls, state: InitialState) -> "Symbols":
        """The symbols a chain begins with."""
        return cls(state.slider, state.drawer, state.lightbulb, state.led, tuple(state.blocks.values()))

    @classmethod
    def of_scene(cls, state: SceneState) -> "Symbols":
        """The symbols of a live state: a fixture counts by the half of its travel it is in."""
        return cls(
            "left" if state.slider > DOOR_TRAVEL / 2 else "right",
            "open" if state.drawer > DRAWER_TRAVEL / 2 else "closed",
            state.bulb,
            state.led,
            tuple(_place(state, name) for name in BLOCKS),
        )

    @property
    def open_compartment(self) -> Place:
        """The half of the cabinet that the door does not cover."""
        return "slider_right" if self.slider == "left" else "slider_left"

    def at(self, place: Place) -> list[int]:
        """Indices of the blocks at a place."""
        return [index for index, where in enumerate(self.blocks) if where == place]

    def put(self, places: dict[int, Place]) -> "Symbols":
        """The same world with some blocks, given by their index, elsewhere."""
        return replace(self, blocks=tuple(places.get(index, now) for index, now in enumerate(self.blocks)))


def _place(state: SceneState, name: str) -> Place:
    block = state.blocks[name]
    if state.held == name:
        return "gripper"
    if block.surface == "block":
        return "top"
    if any(other.surface == "block" and other.on == name for other in state.blocks.values()):
        return "bottom"
    if block.surface == "slider":
        return "slider_left" if block.position[0] < state.cabinet_x else "slider_right"
    return block.surface if block.surface in ("table", "drawer") else "elsewhere"


Rule = Callable[[Symbols], list[Symbols]]


def _set(field: str, value: object) -> Rule:
    """A fixture or light that stands differently takes the new value."""
    return lambda now: [replace(now, **{field: value})] if getattr(now, field) != value else []


def _stay(block: str) -> Rule:
    """A block on the table is moved about on the table."""
    return lambda now: [now] if now.blocks[BLOCKS.index(block)] == "table" else []


def _lift(block: str, place: str) -> Rule:
    """A block that can be reached ends in the gripper."""

    def rule(now: Symbols) -> list[Symbols]:
        reachable = {"table": "table", "slider": now.open_compartment, "drawer": "drawer"}[place]
        shut = place == "drawer" and now.drawer != "open"
        return [now.put({index: "gripper"})] if now.blocks[index] == reachable and not shut else []

    index = BLOCKS.index(block)
    return rule


def _place_in_slider(now: Symbols) -> list[Symbols]:
    if now.at(now.open_compartment):
        return []
    return [now.put({held: now.open_compartment}) for held in now.at("gripper")]


def _place_in_drawer(now: Symbols) -> list[Symbols]:
    if now.drawer != "open" or now.at("drawer"):
        return []
    return [now.put({held: "drawer"}) for held in now.at("gripper")]


def _push_into_drawer(now: Symbols) -> list[Symbols]:
    """CALVIN asks for it only while the two other blocks are in the cabinet: "the block" is then unambiguous."""
    stowed = len(now.at("slider_left")) + len(now.at("slider_right"))
    if now.drawer != "open" or stowed != len(BLOCKS) - 1:
        return []
    return [now.put({index: "drawer"}) for index in now.at("table")]


def _stack(now: Symbols) -> list[Symbols]:
    pairs = [(held, base) for held in now.at("gripper") for base in now.at("table")]
    return [now.put({held: "top", base: "bottom"}) for held, base in pairs]


def _unstack(now: Symbols) -> list[Symbols]:
    pairs = [(top, bottom) for top in now.at("top") for bottom in now.at("bottom")]
    return [now.put({top: "table", bottom: "table"}) for top, bottom in pairs]


WITH_BLOCK_IN_HAND = frozenset({"place_in_slider", "place_in_drawer", "stack_block"})
"""The tasks that begin with a block in the gripper; every other task begins with an empty one."""

_RULES: dict[str, Rule] = {
    **{
        f"{verb}_{b}_block_{side}": _stay(b)
        for verb in ("rotate", "push")
        for b in BLOCKS
        for side in ("right", "left")
    },
    **{f"lift_{b}_block_{place}": _lift(b, place) for b in BLOCKS for place in ("table", "slider", "drawer")},
    "move_slider_left": _set("slider", "left"),
    "move_slider_right": _set("slider", "right"),
    "open_drawer": _set("drawer", "open"),
    "close_drawer": _set("drawer", "closed"),
    "place_in_slider": _place_in_slider,
    "place_in_drawer": _place_in_drawer,
    "push_into_drawer": _push_into_drawer,
    "stack_block": _stack,
    "unstack_block": _unstack,
    **{f"turn_{word}_{light}": _set(light, word == "on") for light in ("lightbulb", "led") for word in ("on", "off")},
}


@cache
def outcome(task: str, now: Symbols) -> Symbols | None:
    """The world after ``task``, or None where it cannot begin or, as CALVIN asks, could end in two ways."""
    if bool(now.at("gripper")) is not (task in WITH_BLOCK_IN_HAND):
        return None
    ends = _RULES[task](now)
    return ends[0] if len(ends) == 1 else None
