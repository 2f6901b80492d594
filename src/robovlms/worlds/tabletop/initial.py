"""Where a chain or a demonstration begins: the symbolic initial state, the world's own ``initial_state``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from robovlms.core.errors import UserError
from robovlms.worlds.tabletop.state import BLOCKS

BlockPlace = Literal["table", "slider_left", "slider_right", "drawer", "gripper"]
"""Where a block starts. ``slider_left`` and ``slider_right`` are the two halves of the sliding cabinet."""

PLACES: tuple[BlockPlace, ...] = ("table", "slider_left", "slider_right", "drawer", "gripper")

_CHOICES: dict[str, tuple[Any, ...]] = {
    "slider": ("left", "right"),
    "drawer": ("open", "closed"),
    "lightbulb": (False, True),
    "led": (False, True),
    **dict.fromkeys(BLOCKS, PLACES),
}


@dataclass(frozen=True, slots=True)
class InitialState:
    """Symbolic initial state; the world's reset seed decides the exact poses.

    ``slider`` is the side the sliding door stands at, so it covers that half of the cabinet. Every place but the table
    holds at most one block. A block that starts in the gripper is grasped by the reset itself.

    Raises:
        UserError: a place other than the table holds two blocks.
    """

    slider: Literal["left", "right"] = "right"
    drawer: Literal["open", "closed"] = "closed"
    lightbulb: bool = False
    led: bool = False
    red: BlockPlace = "table"
    blue: BlockPlace = "table"
    pink: BlockPlace = "table"

    def __post_init__(self):
        crowded = [place for place in self.blocks.values() if place != "table"]
        if len(crowded) != len(set(crowded)):
            raise UserError(f"Initial state: two blocks share one place: {self.blocks}. Move one to the table.")

    @property
    def blocks(self) -> dict[str, BlockPlace]:
        """Place of each block, in the order of ``BLOCKS``."""
        return {name: getattr(self, name) for name in BLOCKS}

    @property
    def held(self) -> str | None:
        """The block that starts in the gripper, if any."""
        return next((name for name, place in self.blocks.items() if place == "gripper"), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form, as results files store it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "InitialState":
        """Read ``to_dict``'s form.

        Raises:
            UserError: a field is missing or unknown, or a value is.
        """
        if set(values) != set(_CHOICES):
            raise UserError(f"Initial state has fields {sorted(values)}; expected exactly {sorted(_CHOICES)}.")
        for name, choices in _CHOICES.items():
            if values[name] not in choices:
                expected = ", ".join(map(str, choices))
                raise UserError(f"Initial state: {name} is {values[name]!r}; expected one of {expected}.")
        return cls(**values)
