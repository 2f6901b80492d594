"""Names of failures by rules, from what a world tells of a task step by step; docs/failures.md has the labels' meaning.

The first rule that holds gives the name. Nothing here decides whether a task failed.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from robovlms.core.trace import Aim, Moment, Point

if TYPE_CHECKING:
    from collections.abc import Iterable

TIMEOUT = "timeout"
MOVED_M = 0.03
"""An object that travelled this far was handled; what a passing finger knocks aside mostly goes less far."""
AT_OBJECT_M = 0.08
"""Fingers that close this near to an object's centre, or handle, meant it."""
REST_M, REST_S = 0.03, 4.0
"""A tool that stays within this distance of where it ends, for this long, has come to rest."""
LOST_S = 0.5
"""An object that is let go for this long, up to the end, is not being grasped anew."""


class Attempt:
    """A failed task as the rules read it; ``trace`` begins with the moment before the first step."""

    def __init__(self, aim: Aim, trace: Sequence[Moment], rate_hz: float):
        self.aim, self.trace, self.rate_hz = aim, trace, rate_hz

    def steps(self, seconds: float) -> int:
        """Control steps in a time."""
        return round(seconds * self.rate_hz)

    def holds_own(self) -> Bool[np.ndarray, " t"]:
        """When an object of the task is in the gripper."""
        return np.array([moment.held in self.aim.objects for moment in self.trace])

    def touches_own(self) -> Bool[np.ndarray, " t"]:
        """When the robot touches an object of the task, or a goal with an object in its hand."""
        return np.array([bool(moment.touched & self.aim.objects) for moment in self.trace])

    def closes(self) -> Bool[np.ndarray, " t"]:
        """When the gripper begins to close."""
        closed = np.array([moment.closed for moment in self.trace])
        return np.concatenate([[False], closed[1:] & ~closed[:-1]])

    def distance(self) -> Float[np.ndarray, " t"]:
        """From the tool to the task's nearest object, or from what it holds to the nearest goal (m)."""
        return np.array([self._distance(moment) for moment in self.trace])

    def _distance(self, moment: Moment) -> float:
        carrying = bool(self.aim.goals) and moment.held in self.aim.objects
        start = moment.objects[moment.held] if carrying and moment.held else moment.tool
        ends = [moment.objects[name] for name in (self.aim.goals if carrying else self.aim.objects)]
        return min((_apart(start, end) for end in ends), default=np.inf)

    def travel(self, names: "Iterable[str]") -> float:
        """How far one of these objects came from where it was, at most (m)."""
        first = self.trace[0].objects
        return max((_apart(m.objects[name], first[name]) for name in names for m in self.trace), default=0.0)


def failure_of(aim: Aim, trace: Sequence[Moment], rate_hz: float) -> str:
    """The name of a failure.

    Args:
        aim: What the task was about.
        trace: The moment it began and the moment after each control step.
        rate_hz: Control steps a second.
    """
    attempt = Attempt(aim, trace, rate_hz)
    return next((name for name, holds in RULES.items() if holds(attempt)), TIMEOUT)


def _wrong_object(attempt: Attempt) -> bool:
    """Another object was grasped, moved or switched, and the task's own was neither held nor moved."""
    own, trace = attempt.aim.objects, _from_scratch(attempt)
    if attempt.holds_own()[1:].any() or attempt.travel(own) > MOVED_M:
        return False
    others = set(trace[0].objects) - own - attempt.aim.goals
    held = {moment.held for moment in trace} & others
    touched = {name for moment in trace for name in moment.touched} & others
    moved = {name for name in touched if Attempt(attempt.aim, trace, 1.0).travel([name]) > MOVED_M}
    switched = {name for m in trace for name in m.lit ^ trace[0].lit} & touched
    return bool(held | moved | switched)


def _from_scratch(attempt: Attempt) -> Sequence[Moment]:
    """The trace from where the robot has let go of what the task before left in its hand."""
    clear = (i for i, moment in enumerate(attempt.trace) if not moment.touched - attempt.aim.objects)
    return attempt.trace[next(clear, 0) :]


def _dropped(attempt: Attempt) -> bool:
    """An object of the task was held, and was not any more when the time was over."""
    held = attempt.holds_own()
    return bool(held.any() and not held[-attempt.steps(LOST_S) :].any())


def _missed_grasp(attempt: Attempt) -> bool:
    """The gripper began to close at the object, and never held it."""
    near = attempt.distance() < AT_OBJECT_M
    return bool(attempt.aim.grasp and (attempt.closes() & near).any() and not attempt.holds_own().any())


def _stuck(attempt: Attempt) -> bool:
    """The tool came to rest."""
    num = attempt.steps(REST_S)
    last = [_apart(moment.tool, attempt.trace[-1].tool) for moment in attempt.trace[-num:]]
    return len(attempt.trace) > num and max(last) < REST_M


def _never_reached(attempt: Attempt) -> bool:
    """The robot never touched its object, or never brought what it holds near to where it goes."""
    if attempt.aim.goals and attempt.holds_own().any():
        return bool(attempt.distance().min() > AT_OBJECT_M)
    return not attempt.touches_own().any()


def _apart(one: Point, other: Point) -> float:
    return float(np.linalg.norm(one - other))


RULES: dict[str, Callable[[Attempt], bool]] = {
    "wrong_object": _wrong_object,
    "dropped": _dropped,
    "missed_grasp": _missed_grasp,
    "stuck": _stuck,
    "never_reached": _never_reached,
}
"""In the order they are asked; ``timeout`` is what is left."""
FAILURES = (*RULES, TIMEOUT)
