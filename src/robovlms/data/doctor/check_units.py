"""Poses that no arm on a table has: positions in millimetres, angles in degrees, quaternions that are none."""

import numpy as np

from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.pose import orientation_of, position_of

FAR_M = 10.0
WIDE_RAD = 2 * np.pi + 0.01


def check(data: Examined) -> list[Finding]:
    """The tool's position in metres, its orientation in radians or as unit quaternions."""
    found = []
    place, turned = position_of(data.observation_spec), orientation_of(data.observation_spec)
    if place:
        remedy = "Convert the state to metres, or correct its unit in the specs."
        found += _largest(data, place.name, FAR_M, f"at most {FAR_M:g} m", remedy)
    if turned and turned.rotation and turned.rotation.startswith("quaternion"):
        found += _lengths(data, turned.name)
    elif turned and turned.rotation != "rotation_6d":
        remedy = "Convert the state to radians, or correct its rotation in the specs."
        found += _largest(data, turned.name, WIDE_RAD, "at most 2 pi rad", remedy)
    return found


def _largest(data: Examined, name: str, limit: float, expected: str, remedy: str) -> list[Finding]:
    columns = data.observation_spec.columns([name])
    for one in data.recordings:
        size = np.abs(one.state[:, columns]).max(axis=1, initial=0)
        if (size > limit).any():
            row = int((size > limit).argmax())
            seen = f"state '{name}' is {size[row]:.4g} in size"
            return [Finding("units", "error", seen, expected, remedy, one.index, row)]
    return []


def _lengths(data: Examined, name: str) -> list[Finding]:
    columns = data.observation_spec.columns([name])
    for one in data.recordings:
        off = np.abs(np.linalg.norm(one.state[:, columns], axis=1) - 1) > 0.02
        if off.any():
            remedy = "Correct the state's columns, or its rotation in the specs."
            seen = f"state '{name}' has length {np.linalg.norm(one.state[off][0, columns]):.3g}"
            return [Finding("units", "error", seen, "quaternions of length 1", remedy, one.index, int(off.argmax()))]
    return []
