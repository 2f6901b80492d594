"""What a robot touches and has between its fingers in a MuJoCo simulation, for naming failures."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Contacts:
    """Reads MuJoCo's contacts of this moment.

    Attributes:
        model: MuJoCo's model.
        data: Its data.
        robot: Bodies of the robot.
        fingers: Bodies of each of its two fingers.
        things: Name of what each other body belongs to; bodies without one do not count.
    """

    model: Any
    data: Any
    robot: Collection[int]
    fingers: tuple[Collection[int], Collection[int]]
    things: Mapping[int, str]

    def read(self) -> tuple[frozenset[str], frozenset[str]]:
        """The things that the robot touches, and those that both fingers touch."""
        pairs = [(part, self.things[body]) for part, body in self._pairs()]
        left, right = ({thing for part, thing in pairs if part in finger} for finger in self.fingers)
        return frozenset(thing for _, thing in pairs), frozenset(left & right)

    def _pairs(self) -> set[tuple[int, int]]:
        """Bodies of the robot, each with that of a thing it touches."""
        touching = {tuple(pair) for pair in self.model.geom_bodyid[self.data.contact.geom].tolist()}
        both_ways = touching | {(two, one) for one, two in touching}
        return {(part, body) for part, body in both_ways if part in self.robot and body in self.things}


def tree_of(model: Any, root: int) -> frozenset[int]:
    """A body and all that hang on it."""
    inside = {root}
    for body in range(root + 1, model.nbody):  # a parent comes before its children
        if int(model.body_parentid[body]) in inside:
            inside.add(body)
    return frozenset(inside)
