"""Rotations in the representations that robots and papers use, and deltas seen from the tool or from the base.

| name | numbers | meaning |
| --- | --- | --- |
| ``euler_xyz`` | 3 (rad) | about the fixed axes x, then y, then z: ``R = Rz Ry Rx`` (pybullet, CALVIN, ROS) |
| ``euler_xyz_intrinsic`` | 3 (rad) | about the turning axes x, y', z'': ``R = Rx Ry Rz`` (pytorch3d's "XYZ") |
| ``axis_angle`` | 3 (rad) | the axis times the angle (rotation vector) |
| ``quaternion_xyzw`` | 4 | the real part last (pybullet, ROS, scipy) |
| ``quaternion_wxyz`` | 4 | the real part first (MuJoCo) |
| ``rotation_6d`` | 6 | the first column of R, then the second (Zhou et al. 2019, arXiv 1812.07035, section 4) |

All functions take any leading axes, compute in float64 and answer in the dtype they were given. Every representation
can be turned into a matrix and back; the matrix survives exactly, the numbers may come back as others that mean the
same: a quaternion with a real part of at least 0, an axis-angle of at most pi, a pitch of at most pi / 2. At gimbal
lock (pitch at that bound) only the sum or difference of the other two angles is defined: yaw becomes 0 there.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from robovlms.core.errors import UserError

Rotation = Literal[
    "euler_xyz", "euler_xyz_intrinsic", "axis_angle", "quaternion_xyzw", "quaternion_wxyz", "rotation_6d"
]
WIDTHS: dict[Rotation, int] = {
    "euler_xyz": 3,
    "euler_xyz_intrinsic": 3,
    "axis_angle": 3,
    "quaternion_xyzw": 4,
    "quaternion_wxyz": 4,
    "rotation_6d": 6,
}
Matrix = Float[np.ndarray, "*n 3 3"]
Numbers = Float[np.ndarray, "*n _"]
Vectors = Float[np.ndarray, "*n 3"]


def to_matrix(values: Numbers, kind: Rotation) -> Matrix:
    """Rotation matrices of ``values``. Quaternions need not have unit length, 6-D columns need not be orthonormal.

    Raises:
        UserError: another number of columns, a number that is not finite, or numbers that name no rotation.
    """
    from scipy.spatial.transform import Rotation as Turn

    flat = _checked(values, kind)
    if kind == "rotation_6d":
        found = _orthonormal(flat[:, :3], flat[:, 3:])
    elif kind == "axis_angle":
        found = Turn.from_rotvec(flat).as_matrix()
    elif kind in ("euler_xyz", "euler_xyz_intrinsic"):
        found = Turn.from_euler("xyz" if kind == "euler_xyz" else "XYZ", flat).as_matrix()
    else:
        found = Turn.from_quat(flat if kind == "quaternion_xyzw" else np.roll(flat, -1, axis=1)).as_matrix()
    return found.reshape(*values.shape[:-1], 3, 3).astype(values.dtype)


def from_matrix(matrix: Matrix, kind: Rotation) -> Numbers:
    """Numbers of the representation ``kind`` for rotation matrices."""
    from scipy.spatial.transform import Rotation as Turn

    flat = matrix.reshape(-1, 3, 3).astype(np.float64)
    if kind == "euler_xyz":
        found = _euler(flat)
    elif kind == "euler_xyz_intrinsic":
        found = -_euler(flat.swapaxes(1, 2))  # the inverse turns by the opposite angles in the opposite order
    elif kind == "rotation_6d":
        found = np.concatenate([flat[:, :, 0], flat[:, :, 1]], axis=1)
    elif kind == "axis_angle":
        found = Turn.from_matrix(flat).as_rotvec()
    else:
        found = Turn.from_matrix(flat).as_quat(canonical=True)
        found = found if kind == "quaternion_xyzw" else np.roll(found, 1, axis=1)
    return found.reshape(*matrix.shape[:-2], WIDTHS[kind]).astype(matrix.dtype)


def convert(values: Numbers, source: Rotation, target: Rotation) -> Numbers:
    """The same rotations in another representation."""
    return from_matrix(to_matrix(values.astype(np.float64), source), target).astype(values.dtype)


def angle_between(a: Matrix, b: Matrix) -> Float[np.ndarray, "*n"]:
    """Angle (rad, 0 to pi) of the turn from each rotation ``a`` to ``b``: the geodesic distance."""
    turn = from_matrix(a.swapaxes(-1, -2).astype(np.float64) @ b, "axis_angle")
    return np.linalg.norm(turn, axis=-1).astype(a.dtype)


def to_tool_frame(
    delta: Float[np.ndarray, "*n 6"],
    orientation: Vectors,
    rotation_scale: float = 1.0,
    kind: Literal["euler_xyz", "euler_xyz_intrinsic"] = "euler_xyz",
    inverted: bool = False,
) -> Float[np.ndarray, "*n 6"]:
    """A pose delta along the base's axes, as it looks from the tool.

    Args:
        delta: A displacement along the base's axes, then what is added to the tool's Euler angles, in units of
            ``rotation_scale`` rad.
        orientation: Euler angles of the tool before the delta (rad).
        rotation_scale: Upstream RoboVLMs takes 0.01 here, whatever the data's own scale is; CALVIN's is 0.05.
        kind: Which Euler angles. Upstream reads pybullet's angles as ``euler_xyz_intrinsic``.
        inverted: Answer with the turn back to the old orientation, as upstream does.

    Returns:
        The displacement along the tool's axes, then Euler angles of the turn to the new orientation about the tool's
        axes, in units of ``rotation_scale`` rad.
    """
    before = to_matrix(orientation.astype(np.float64), kind)
    after = to_matrix(orientation + delta[..., 3:].astype(np.float64) * rotation_scale, kind)
    turn = before.swapaxes(-1, -2) @ after
    position = _turned(before.swapaxes(-1, -2), delta[..., :3])
    angles = from_matrix(turn.swapaxes(-1, -2) if inverted else turn, kind)
    return np.concatenate([position, angles / rotation_scale], axis=-1).astype(delta.dtype)


def to_base_frame(
    delta: Float[np.ndarray, "*n 6"],
    orientation: Vectors,
    rotation_scale: float = 1.0,
    kind: Literal["euler_xyz", "euler_xyz_intrinsic"] = "euler_xyz",
    inverted: bool = False,
) -> Float[np.ndarray, "*n 6"]:
    """The inverse of ``to_tool_frame``, with the same arguments.

    Exact where the new middle Euler angle stays below pi / 2 in magnitude; beyond, other angles of the same new
    orientation come back. Differences of angles are the shorter way round, within (-pi, pi].
    """
    before = to_matrix(orientation.astype(np.float64), kind)
    turn = to_matrix(delta[..., 3:].astype(np.float64) * rotation_scale, kind)
    after = before @ (turn.swapaxes(-1, -2) if inverted else turn)
    change = np.pi - (np.pi - (from_matrix(after, kind) - orientation)) % (2 * np.pi)
    position = _turned(before, delta[..., :3])
    return np.concatenate([position, change / rotation_scale], axis=-1).astype(delta.dtype)


def _checked(values: np.ndarray, kind: Rotation) -> np.ndarray:
    if values.shape[-1] != WIDTHS[kind]:
        raise UserError(f"Rotation {kind}: got {values.shape[-1]} numbers, expected {WIDTHS[kind]}.")
    flat = values.reshape(-1, WIDTHS[kind]).astype(np.float64)
    if not np.isfinite(flat).all():
        raise UserError(f"Rotation {kind}: got {flat[~np.isfinite(flat).all(axis=1)][0]}, expected finite numbers.")
    if kind.startswith("quaternion") and not np.linalg.norm(flat, axis=1).all():
        raise UserError(f"Rotation {kind}: got a quaternion of zeros, which names no rotation.")
    return flat


def _orthonormal(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Gram-Schmidt: matrices whose first column is along ``first`` and whose second lies in the plane of both."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    normal = np.cross(first, second)
    if (np.linalg.norm(normal, axis=1) <= 1e-8 * lengths).any():
        raise UserError("Rotation rotation_6d: got a zero column or two parallel ones, which name no rotation.")
    x, z = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (first, normal))
    return np.stack([x, np.cross(z, x), z], axis=2)


def _euler(matrix: np.ndarray) -> np.ndarray:
    """Angles about the fixed axes. Yaw first; roll is what remains of the turn, so gimbal lock loses nothing."""
    m = matrix
    yaw = np.arctan2(m[:, 1, 0], m[:, 0, 0])
    sin, cos = np.sin(yaw), np.cos(yaw)
    pitch = np.arctan2(-m[:, 2, 0], np.hypot(m[:, 0, 0], m[:, 1, 0]))
    roll = np.arctan2(sin * m[:, 0, 2] - cos * m[:, 1, 2], cos * m[:, 1, 1] - sin * m[:, 0, 1])
    return np.stack([roll, pitch, yaw], axis=1)


def _turned(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (matrix @ vectors[..., None])[..., 0]
