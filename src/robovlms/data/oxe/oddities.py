"""What has to be done to the numbers of Open X-Embodiment data sets: one pure function for each oddity.

A column is an array (steps, dimensions); a gripper's is 1 for open and 0 for closed once a table is through with it.
Sources: ``oxe_standardization_transforms.py`` and ``data_utils.py`` of octo (241fb35), and their copies in openvla
(c8f03f4), which upstream RoboVLMs trains with.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped

from robovlms.core.geometry import Rotation, convert

Column = Float[np.ndarray, "t _"]


def as_column(values: Shaped[np.ndarray, "t *_"]) -> Column:
    """Numbers, switches or whole numbers of each step as float32 in one axis."""
    return values.reshape(len(values), -1).astype(np.float32)


def inverted(gripper: Column) -> Column:
    """Opening from closedness, or the other way round, both in [0, 1]."""
    return 1 - gripper


def clipped(gripper: Column) -> Column:
    """Values in [0, 1]: of a command in {-1, 1} the negative one becomes 0."""
    return np.clip(gripper, 0, 1)


def absolute_gripper(change: Column) -> Column:
    """1 open or 0 closed from changes: above 0.1 closes, below -0.1 opens, anything between leaves it as it is.

    Before the first change the gripper is the opposite of what that change leads to; without one it stays open.
    """
    moves = np.where(change[:, 0] > 0.1, -1, np.where(change[:, 0] < -0.1, 1, 0))
    changes = np.flatnonzero(moves)
    before = -moves[changes[0]] if len(changes) else 1
    latest = np.searchsorted(changes, np.arange(len(moves)), side="right")
    state = np.concatenate([[before], moves[changes]])[latest]
    return as_column((state + 1) / 2)


def binary_gripper(opening: Column) -> Column:
    """1 open or 0 closed from a recorded opening.

    While the fingers move (between 0.05 and 0.95) the command is what they arrive at; if the clip ends before, it is
    the nearer of the two (octo leaves the last value as it is there).
    """
    still = np.append(np.flatnonzero((opening[:, 0] < 0.05) | (opening[:, 0] > 0.95)), len(opening) - 1)
    arrival = still[np.searchsorted(still, np.arange(len(opening)))]
    return as_column(opening[arrival, 0] > 0.5)


def differences(state: Column) -> Float[np.ndarray, "t-1 _"]:
    """What was reached: the state one step later minus the state; one row less."""
    return np.diff(state, axis=0)


def angle_differences(angles: Column) -> Float[np.ndarray, "t-1 _"]:
    """``differences`` of angles (rad), the shorter way round; octo subtracts them as they are."""
    change = np.diff(angles.astype(np.float64), axis=0)
    return (np.pi - (np.pi - change) % (2 * np.pi)).astype(angles.dtype)


def euler_from_quaternion(quaternion: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t 3"]:
    """Roll, pitch and yaw (rad, about the fixed axes) of quaternions with the real part last."""
    source: Rotation = "quaternion_xyzw"
    return convert(quaternion, source, "euler_xyz")


def first_text(texts: Sequence[str]) -> str:
    """The instruction of an episode: that of its first step."""
    return texts[0]


def padded_text(codes: Int[np.ndarray, "t _"]) -> str:
    """The instruction of the first step, stored as the bytes of UTF-8 text up to the first zero (Language Table).

    Raises:
        UnicodeDecodeError: The bytes are no UTF-8.
    """
    return bytes(codes[0].astype(np.uint8)).split(b"\0", 1)[0].decode("utf-8")
