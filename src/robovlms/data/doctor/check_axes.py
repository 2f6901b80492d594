"""Mirrored or swapped axes: does each number of a position delta move the tool along its own axis?"""

import numpy as np

from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.readings import Readings, position_readings, rotation_readings

SHARE = 0.1
"""Axes along which less of the whole motion is asked for than this are not judged."""


def check(data: Examined) -> list[Finding]:
    """The position and the rotation part, axis by axis."""
    return [f for readings in (position_readings(data), rotation_readings(data)) if readings for f in _axes(readings)]


def _axes(readings: Readings) -> list[Finding]:
    asked, seen = readings.motion.over(3)
    sizes = np.sqrt((asked**2).sum(0)), np.sqrt((seen**2).sum(0))
    cosines = (asked.T @ seen) / np.maximum(np.outer(*sizes), 1e-12)
    judged = sizes[0] > SHARE * np.linalg.norm(sizes[0])
    return [finding for axis in np.flatnonzero(judged).tolist() if (finding := _axis(readings, axis, cosines[axis]))]


def _axis(readings: Readings, axis: int, cosines: np.ndarray) -> Finding | None:
    other, name = int(np.abs(cosines).argmax()), f"'{readings.component.name}', dimension {axis},"
    if cosines[axis] < -0.4:
        seen = f"{name} goes against the motion along its axis (cosine {cosines[axis]:.2f})"
        remedy = "Change the sign of this dimension."
    elif other != axis and abs(cosines[other]) > 0.6 and abs(cosines[axis]) < 0.5 * abs(cosines[other]):
        seen = f"{name} goes with axis {other} (cosine {cosines[other]:.2f}), not its own ({cosines[axis]:.2f})"
        remedy = "Put the dimensions in the order x, y, z, or correct the frame."
    else:
        return None
    return Finding("axes", "error", seen, "a positive cosine with its own axis", remedy)
