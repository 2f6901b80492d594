"""Dimensions shared by the scene, the resets and the experts (m), and the workspace the robot's tool may not leave."""

import numpy as np

BLOCK_HALF = {"red": (0.024, 0.036, 0.022), "blue": (0.020, 0.029, 0.020), "pink": (0.022, 0.032, 0.026)}
"""Half sizes of the blocks of scenes A to D. A setting may have others: read those of a simulation."""

WORKSPACE_LOW = np.array([-0.37, -0.46, -0.075])
WORKSPACE_HIGH = np.array([0.37, 0.27, 0.30])
"""Bounds of the tool's target position."""
TILT_LIMIT = 0.5
YAW_LIMIT = 2.6
"""Bounds of roll and pitch, and of yaw (rad)."""

TABLE_FRONT = -0.20
TABLE_BACK = 0.30
TABLE_HALF_X = 0.38

DOOR_TRAVEL = 0.17
COMPARTMENT = 0.085
"""Distance of the centre of a compartment of the slider cabinet from the cabinet's centre."""
CABINET_FLOOR = 0.008
CABINET_WALL = 0.07

DRAWER_TRAVEL = 0.18
DRAWER_FLOOR = -0.09
DRAWER_INNER = (0.125, 0.085)
"""Half width and half depth of the drawer's inside; its centre lies ``DRAWER_CENTRE`` behind its front panel."""
DRAWER_CENTRE = 0.095

CONSOLE_TOP = 0.04
LEVER = 0.075
LEVER_TILT = 0.35
"""Length of the switch's lever, and how far its middle position leans towards the camera (rad)."""
PIVOT_Y = -0.035
"""Where on its console the lever is hinged (m from the centre, along y)."""
SWITCH_RANGE = 0.6
BUTTON_TRAVEL = 0.014
FINGER_OPEN = 0.04
"""Travel of one finger; the gripper opens to twice that."""


def rotation(euler: np.ndarray) -> np.ndarray:
    """Rotation matrix of Euler angles xyz about fixed axes (rad), R = Rz Ry Rx."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(euler), np.sin(euler)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def euler(matrix: np.ndarray) -> np.ndarray:
    """Euler angles xyz about fixed axes (rad) of a rotation matrix given flat or 3 x 3."""
    m = np.asarray(matrix).reshape(3, 3)
    return np.array([np.arctan2(m[2, 1], m[2, 2]), -np.arcsin(np.clip(m[2, 0], -1, 1)), np.arctan2(m[1, 0], m[0, 0])])


def quaternion_z(yaw: float) -> np.ndarray:
    """Quaternion (w, x, y, z) of a turn about z."""
    return np.array([np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)])
