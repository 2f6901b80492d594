"""Names of failures, by rules that read what a world tells of a task; docs/failures.md says what the names mean.

The first rule that holds gives the name. Nothing here decides whether a task failed.
"""

from collections.abc import Callable, Sequence

from robovlms.core.trace import Aim, Moment
from robovlms.evaluation.attempt import AT_OBJECT_M, Attempt

TIMEOUT = "timeout"
"""A failure that has no other name."""
LOST_S = 0.5
"""An object that is let go for this long, up to the end, is not being grasped anew."""
AT_GOAL_M = 0.25
"""A held object this near to a goal's handle is there: a door's handle is up to 0.19 m from the open compartment."""
LAST_S = 4.0
"""The time at the end in which a tool rests or circles: a third of the twelve seconds of a task."""
REST_M, CIRCLE_M = 0.01, 0.06
"""A tool within these distances of its mean place rests, or circles on the spot as policies do from plan to plan."""


def failure_of(aim: Aim, trace: Sequence[Moment], rate_hz: float) -> str:
    """The name of a failure, one of ``FAILURES``.

    Args:
        aim: What the task was about.
        trace: The moment it began and the moment after each control step.
        rate_hz: Control steps a second.
    """
    attempt = Attempt(aim, trace, rate_hz)
    return next((name for name, holds in RULES if holds(attempt)), TIMEOUT)


def _wrong_object(attempt: Attempt) -> bool:
    """The robot handled another object and not the task's own; what the task before left in its hand does not count."""
    aim, trace = attempt.aim, attempt.trace
    clear = next((i for i, moment in enumerate(trace) if not moment.touched - aim.objects), None)
    others = trace[0].objects.keys() - aim.objects - aim.goals - aim.done
    if clear is None or any(map(attempt.since(1).handled, aim.objects)):
        return False
    return any(map(attempt.since(clear).handled, others))


def _dropped(attempt: Attempt) -> bool:
    """An object that has to be carried was held, and was not any more when the time was over."""
    held = attempt.holds_own()
    return bool(attempt.aim.carry and held.any() and not held[-attempt.steps(LOST_S) :].any())


def _missed_grasp(attempt: Attempt) -> bool:
    """The gripper closed at its object, and never held it."""
    tried = attempt.closes() & (attempt.distance() < AT_OBJECT_M)
    return bool(attempt.aim.grasp and tried.any() and not attempt.holds_own().any())


def _rests(attempt: Attempt) -> bool:
    """The tool stood still at last."""
    return attempt.spread(LAST_S) < REST_M


def _never_reached(attempt: Attempt) -> bool:
    """The robot never touched its object, or never brought what it holds near to where it goes."""
    if attempt.aim.goals and attempt.holds_own().any():
        return bool(attempt.distance().min() > AT_GOAL_M)
    return not attempt.reaches_own()


def _circles(attempt: Attempt) -> bool:
    """The tool went in circles on the spot at last."""
    return attempt.spread(LAST_S) < CIRCLE_M


RULES: tuple[tuple[str, Callable[[Attempt], bool]], ...] = (
    ("wrong_object", _wrong_object),
    ("dropped", _dropped),
    ("missed_grasp", _missed_grasp),
    ("stuck", _rests),
    ("never_reached", _never_reached),
    ("stuck", _circles),
)
"""In the order they are asked; ``timeout`` is what is left."""
FAILURES = {
    "wrong_object": "handled another object than the task's, and not its own",
    "dropped": "let go of the object before it was where it should be",
    "missed_grasp": "closed the gripper at the object, and never held it",
    "never_reached": "never came to the object, or with it to where it goes",
    "stuck": "came to rest or went in circles on the spot",
    TIMEOUT: "ran out of time in another way",
}
"""All names with a meaning in a few words, for readers."""
