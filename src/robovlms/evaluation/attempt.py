"""A failed task as the rules of ``failures`` read it: what was held, touched, moved, and how the tool went."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from robovlms.core.trace import Aim, Moment, Point

MOVED_M = 0.06
"""An object that travelled this far was handled, not knocked in passing: half of what tasks ask of a door or drawer."""
NUDGED_M = 0.01
"""One that travelled this far was touched: objects do not move by themselves, and settle by less."""
TOUCHED_S = 1.0
"""So was one that the robot touched for this long in all."""
AT_OBJECT_M = 0.08
"""A tool this near to an object's centre, or handle, is at it: blocks reach 5 cm from their centre."""


class Attempt:
    """What a world told of one task. ``trace`` begins with the moment before the first step."""

    def __init__(self, aim: Aim, trace: Sequence[Moment], rate_hz: float):
        self.aim, self.trace, self.rate_hz = aim, trace, rate_hz

    def since(self, index: int) -> "Attempt":
        """The same from a moment on."""
        return Attempt(self.aim, self.trace[index:], self.rate_hz)

    def steps(self, seconds: float) -> int:
        """Control steps in a time."""
        return round(seconds * self.rate_hz)

    def holds_own(self) -> Bool[np.ndarray, " t"]:
        """When an object of the task is in the gripper."""
        return np.array([moment.held in self.aim.objects for moment in self.trace])

    def reaches_own(self) -> bool:
        """Whether the robot came to touch an object of the task."""
        touched = any(moment.touched & self.aim.objects for moment in self.trace)
        return touched or any(self._moves(name, NUDGED_M) for name in self.aim.objects)

    def closes(self) -> Bool[np.ndarray, " t"]:
        """When the gripper begins to close."""
        closed = np.array([moment.closed for moment in self.trace])
        return np.concatenate([[False], closed[1:] & ~closed[:-1]])

    def distance(self) -> Float[np.ndarray, " t"]:
        """From the tool to the nearest object of the task, or from one that is held to the nearest goal (m)."""
        return np.array([self._distance(moment) for moment in self.trace])

    def spread(self, seconds: float) -> float:
        """How far the tool was from its mean place over the last ``seconds``, at most (m)."""
        tools = np.array([moment.tool for moment in self.trace[-self.steps(seconds) :]])
        return float(np.linalg.norm(tools - tools.mean(0), axis=1).max())

    def handled(self, name: str) -> bool:
        """Whether the robot did something to an object: held, switched or moved it, or kept touching it."""
        held = any(moment.held == name for moment in self.trace)
        switched = len({name in moment.lit for moment in self.trace}) > 1
        touched = sum(name in moment.touched for moment in self.trace) >= self.steps(TOUCHED_S)
        return held or switched or touched or self._moves(name, MOVED_M)

    def _moves(self, name: str, least: float) -> bool:
        """Contacts between two control steps go unseen, so what moves while the tool is near was touched."""
        near = any(_apart(moment.tool, moment.objects[name]) < AT_OBJECT_M for moment in self.trace)
        first = self.trace[0].objects[name]
        return near and max(_apart(moment.objects[name], first) for moment in self.trace) > least

    def _distance(self, moment: Moment) -> float:
        start, ends = moment.tool, self.aim.objects
        if self.aim.goals and moment.held in self.aim.objects:
            start, ends = moment.objects[moment.held], self.aim.goals
        return min((_apart(start, moment.objects[name]) for name in ends), default=np.inf)


def _apart(one: Point, other: Point) -> float:
    return float(np.linalg.norm(one - other))
