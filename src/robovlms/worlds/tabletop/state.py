"""What is true on the tabletop at one moment: the privileged state that predicates, chains and captions read.

Experts and policies act on the world; predicates compare one ``SceneState`` before with one after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Surface = Literal["table", "slider", "drawer", "block", "gripper", "air"]
"""What carries a block: the table, the slider cabinet, the drawer, another block, the gripper, nothing."""

BLOCKS = ("red", "blue", "pink")
"""Block names in the order of the 24-D scene state. As in CALVIN, each has its own size."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block: position of its centre (m, world), orientation as Euler xyz (rad), and what it rests on.

    ``on`` names the block below when ``surface`` is 'block'. ``touched`` tells whether the robot touches it.
    """

    position: Float[np.ndarray, "3"]
    euler: Float[np.ndarray, "3"]
    surface: Surface
    on: str | None = None
    touched: bool = False


@dataclass(frozen=True, slots=True)
class SceneState:
    """Everything a predicate may read. Fixture positions are measured along their own joints.

    ``slider`` (m) grows to the left as the static camera sees it; ``drawer`` (m) is how far it is open; ``switch``
    (rad) grows upwards; ``bulb`` and ``led`` are lights. ``held`` names the block that both fingers of a closed gripper
    touch and nothing else carries.
    ``cabinet_x`` (m, world) is the centre of the slider cabinet, which tells its left compartment from its right one.
    """

    tcp: Float[np.ndarray, "3"]
    blocks: Mapping[str, Block]
    cabinet_x: float
    slider: float
    drawer: float
    switch: float
    bulb: bool
    led: bool
    held: str | None
