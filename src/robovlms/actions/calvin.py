"""CALVIN's conventions: what ``rel_actions``, ``actions``, ``robot_obs`` and ``scene_obs`` of a frame mean.

Source: ``dataset/README.md`` of mees/calvin and, in mees/calvin_env, ``utils/utils.py`` (``to_relative_action``) and
``robot/robot.py``. A recorded action is the pose measured one frame later; the relative one is its distance from the
pose measured now, clipped. The simulator adds a relative action to the pose commanded last, which is what the specs
say. Its robot stands along the world's axes, so a step along the base's axes is one along the world's.
"""

import numpy as np
from jaxtyping import Float

from robovlms.actions.delta_pose import delta_pose_spec
from robovlms.actions.spec import ActionComponent, ActionSpec, StateComponent

RATE_HZ = 30.0
MAX_POSITION_M = 0.02
MAX_ROTATION_RAD = 0.05

RELATIVE_ACTIONS = delta_pose_spec(MAX_POSITION_M, MAX_ROTATION_RAD, RATE_HZ)
"""``rel_actions``: seven numbers in [-1, 1], 2 cm and 0.05 rad a unit; the gripper closes at -1 and opens at 1."""

ABSOLUTE_ACTIONS = ActionSpec(
    components=(
        ActionComponent(name="position", dims=3, kind="position", unit="m", low=None, high=None, frame="world"),
        ActionComponent(
            name="orientation",
            dims=3,
            kind="rotation",
            unit="rad",
            low=None,
            high=None,
            frame="world",
            rotation="euler_xyz",
        ),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1.0, gripper_open=1.0),
    ),
    rate_hz=RATE_HZ,
)
"""``actions``: the pose to reach, in metres and radians, and the gripper as in ``rel_actions``."""

ROBOT_STATE = (
    StateComponent(name="tcp_position", dims=3, unit="m", frame="world"),
    StateComponent(name="tcp_orientation", dims=3, unit="rad", frame="world", rotation="euler_xyz"),
    StateComponent(name="gripper_width", dims=1, unit="m"),
    StateComponent(name="joint_positions", dims=7, unit="rad", frame="joint"),
    StateComponent(name="gripper_action", dims=1),
)
"""``robot_obs``, 15 numbers."""

SCENE_STATE = (
    StateComponent(name="sliding_door", dims=1, unit="m", frame="joint"),
    StateComponent(name="drawer", dims=1, unit="m", frame="joint"),
    StateComponent(name="button", dims=1, frame="joint"),
    StateComponent(name="switch", dims=1, frame="joint"),
    StateComponent(name="light_bulb", dims=1),
    StateComponent(name="green_light", dims=1),
    *(
        component
        for colour in ("red", "blue", "pink")
        for component in (
            StateComponent(name=f"{colour}_block_position", dims=3, unit="m", frame="world"),
            StateComponent(name=f"{colour}_block_orientation", dims=3, unit="rad", frame="world", rotation="euler_xyz"),
        )
    ),
)
"""``scene_obs``, 24 numbers: what a simulator knows and a robot does not."""

_SCALE = np.repeat([MAX_POSITION_M, MAX_ROTATION_RAD], 3)
_GRIPPER = slice(6, 7)


def relative_actions(absolute: Float[np.ndarray, "t 7"], robot_obs: Float[np.ndarray, "t 15"]) -> np.ndarray:
    """``rel_actions`` of ``actions``: the way from the measured pose, clipped to [-1, 1]; angles the shorter way."""
    way = absolute[:, :6] - robot_obs[:, :6]
    way[:, 3:] = _wrapped(way[:, 3:])
    return np.concatenate([np.clip(way / _SCALE, -1, 1), absolute[:, _GRIPPER]], axis=1)


def absolute_actions(relative: Float[np.ndarray, "t 7"], robot_obs: Float[np.ndarray, "t 15"]) -> np.ndarray:
    """``actions`` whose ``rel_actions`` are ``relative``; what clipping took cannot come back."""
    pose = robot_obs[:, :6] + relative[:, :6] * _SCALE
    pose[:, 3:] = _wrapped(pose[:, 3:])
    return np.concatenate([pose, relative[:, _GRIPPER]], axis=1)


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return (angles + np.pi) % (2 * np.pi) - np.pi
