"""The robot: a force-limited gantry with a two-finger gripper, and an arm that is only drawn.

Physics is three slides and three hinges that meet at the tool centre point (yaw, then pitch, then roll), so joint
positions are the tool's pose. The visible arm is a set of moving bodies without collisions, posed by two-link inverse
kinematics; nothing about it enters the physics.
"""

import numpy as np

from robovlms.worlds.tabletop.geometry import FINGER_OPEN, rotation

JOINTS = ("tool_x", "tool_y", "tool_z", "tool_yaw", "tool_pitch", "tool_roll", "finger_left")
"""The seven joint positions of the state: gantry (m, m, m, rad, rad, rad) and one finger (m)."""
ARM = ("upper_arm", "forearm")
_SHOULDER = np.array([0.0, 0.62, 0.40])
_WRIST = np.array([0.0, 0.0, 0.19])
_LINK = 0.56


def gantry() -> str:
    """MJCF of the moving tool with its wrist camera."""
    slides = "".join(
        f'<joint name="tool_{axis}" type="slide" axis="{vector}" armature="0.5"/>'
        for axis, vector in (("x", "1 0 0"), ("y", "0 1 0"), ("z", "0 0 1"))
    )
    hinges = "".join(
        f'<joint name="tool_{name}" type="hinge" axis="{vector}" armature="0.02"/>'
        for name, vector in (("yaw", "0 0 1"), ("pitch", "0 1 0"), ("roll", "1 0 0"))
    )
    return (
        f'<body name="tool" gravcomp="1">{slides}{hinges}'
        '<inertial pos="0 0 0.06" mass="0.5" diaginertia="1e-3 1e-3 1e-3"/>'
        '<site name="tcp" group="5"/>'
        '<geom name="palm" type="box" pos="0 0 0.083" size="0.056 0.021 0.024" class="robot" rgba="0.93 0.93 0.94 1"/>'
        '<geom name="wrist" type="cylinder" pos="0 0 0.135" size="0.032 0.030" class="shown" rgba="0.25 0.27 0.30 1"/>'
        '<geom name="joint_ball" type="sphere" pos="0 0 0.19" size="0.042" class="shown" rgba="0.93 0.93 0.94 1"/>'
        '<camera name="wrist" pos="0 -0.085 0.095" xyaxes="1 0 0 0 0.80 0.60" fovy="72"/>'
        f"{_finger('left', -1)}{_finger('right', 1)}</body>"
    )


def _finger(side: str, sign: int) -> str:
    """A finger grips with a rough pad; its slick shell slides off knobs and walls instead of clinging to them."""
    shape = 'type="box" class="{}" pos="{} 0 0.021" size="{}"'
    pad = shape.format("pad", sign * 0.002, "0.002 0.0125 0.0355")
    shell = shape.format("shell", sign * 0.0095, "0.006 0.013 0.036")
    return (
        f'<body name="{side}_finger" gravcomp="1"><joint name="finger_{side}" type="slide" axis="{sign} 0 0" '
        f'range="0 {FINGER_OPEN}" armature="0.5" damping="20"/>'
        f'<geom name="{side}_pad" mass="0.03" rgba="0.34 0.35 0.37 1" {pad}/>'
        f'<geom name="{side}_shell" mass="0.02" rgba="0.20 0.21 0.23 1" {shell}/></body>'
    )


def actuators() -> str:
    """Position servos: 80 N on the slides, 8 Nm on the hinges, 16 N on the coupled fingers."""
    slides = "".join(
        f'<position name="{name}" joint="{name}" kp="1500" dampratio="1" forcerange="-80 80"/>' for name in JOINTS[:3]
    )
    hinges = "".join(
        f'<position name="{name}" joint="{name}" kp="60" dampratio="1" forcerange="-8 8"/>' for name in JOINTS[3:6]
    )
    return f'{slides}{hinges}<position name="fingers" joint="finger_left" kp="400" forcerange="-16 16"/>'


def arm() -> str:
    """MJCF of the drawn arm: a column behind the desk and two links."""
    column = (
        f'<geom name="column" type="cylinder" fromto="0 {_SHOULDER[1]} -0.12 0 {_SHOULDER[1]} {_SHOULDER[2]}"'
        'size="0.05" class="shown" rgba="0.25 0.27 0.30 1"/>'
    )
    return column + "".join(
        f'<body name="{name}" mocap="true"><inertial pos="0 0 0" mass="1e-6" diaginertia="1e-9 1e-9 1e-9"/>'
        f'<geom name="{name}" type="capsule" fromto="0 0 0 0 0 {_LINK}" '
        f'size="{radius}" class="shown" rgba="0.93 0.93 0.94 1"/><geom name="{name}_joint" type="sphere" '
        f'size="{radius + 0.012}" class="shown" rgba="0.25 0.27 0.30 1"/></body>'
        for name, radius in zip(ARM, (0.040, 0.032), strict=True)
    )


def arm_poses(position: np.ndarray, euler: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (2, 3) and quaternions (2, 4) of the drawn links for a tool pose; the elbow points up."""
    wrist = position + rotation(euler) @ _WRIST
    reach = wrist - _SHOULDER
    distance = min(float(np.linalg.norm(reach)), 1.999 * _LINK)
    along = reach / np.linalg.norm(reach)
    up = np.array([0.0, 0.0, 1.0]) - along[2] * along
    up /= np.linalg.norm(up)
    height = np.sqrt(_LINK**2 - (distance / 2) ** 2)
    elbow = _SHOULDER + along * distance / 2 + up * height
    quaternions = np.stack([_from_z(elbow - _SHOULDER), _from_z(wrist - elbow)])
    return np.stack([_SHOULDER, elbow]), quaternions


def _from_z(direction: np.ndarray) -> np.ndarray:
    """Quaternion (w, x, y, z) of the shortest turn from +z to ``direction``."""
    x, y, z = direction / np.linalg.norm(direction)
    quaternion = np.array([1.0 + z, -y, x, 0.0]) if z > -0.9999 else np.array([0.0, 1.0, 0.0, 0.0])
    return quaternion / np.linalg.norm(quaternion)
