"""Does an action stand in the row of the observation before it?"""

from robovlms.data.doctor.check_reading import SURE
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.readings import GOAL, ORIENTATION, Readings, position_readings, rotation_readings
from robovlms.data.doctor.regression import Weights, weigh

BEHIND = 2
"""Steps by which a controller may be late."""
SHARE = 0.2
"""Share of the motion that the action of the next row may explain: who acts by what was seen reacts to the motion."""


def check(data: Examined) -> list[Finding]:
    """The motion from a row to the next is due to the actions of this row and of earlier ones, never to the next's."""
    weights = neighbours(data)
    if weights is None or weights.certainty(lambda w: w[..., 0] - SHARE * w.sum(-1)) < SURE:
        return []
    seen = f"the motion between two rows is due to the action of the second one, by {next_share(weights):.0%}"
    remedy = "Move the actions one row up (HDF5: layout.observed after)."
    return [Finding("timing", "error", seen, "a row holds an observation and the action that followed it", remedy)]


def neighbours(data: Examined) -> Weights | None:
    """What the actions of the next row, of this one and of earlier ones have to do with the motion, in this order.

    Of the position; where its actions change too little from row to row to tell, of the rotation, which is often less
    smooth. None where neither tells, or actions are absolute.
    """
    parts = (position_readings(data), rotation_readings(data))
    deltas = [part for part in parts if part and part.declared not in (GOAL, ORIENTATION)]
    return next((weights for part in deltas if (weights := _weigh(part))), None)


def next_share(weights: Weights) -> float:
    """Share of the motion that the action of the next row explains."""
    return max(float(weights.all[0] / weights.all.sum()), 0.0)


def _weigh(readings: Readings) -> Weights | None:
    rows = [pair for pair in zip(readings.motion.asked, readings.motion.seen, strict=True) if len(pair[1]) > BEHIND + 1]
    shifts = [[asked[BEHIND - lag : len(asked) - 1 - lag] for asked, _ in rows] for lag in range(-1, BEHIND + 1)]
    return weigh(shifts, [seen[BEHIND:-1] for _, seen in rows])
