"""What could be verified, in words: a data set without findings may also be one that says too little."""

from collections.abc import Mapping

from robovlms.data.doctor.check_timing import neighbours, next_share
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.pose import opening_of
from robovlms.data.doctor.readings import Readings, position_readings, rotation_readings

ALIKE = "not verified: actions are absolute, or those of neighbouring rows too alike to tell their motion apart"
NOT = "not verified: the specs or the state lack it, or the robot hardly moved so"


def verified(data: Examined) -> Mapping[str, str]:
    """For position, rotation, timing and gripper: how they are read and how well it fits, or that it is not known."""
    gripper, opening = data.action_spec.gripper, opening_of(data.observation_spec)
    position, rotation = position_readings(data), rotation_readings(data)
    return {
        "position": _motion(position),
        "rotation": _motion(rotation),
        "timing": _timing(data) if position or rotation else NOT,
        "gripper": f"'{gripper.name}' against '{opening.name}'" if gripper and opening else NOT,
    }


def _timing(data: Examined) -> str:
    weights = neighbours(data)
    return ALIKE if weights is None else f"{next_share(weights):.0%} of the motion is due to the next row's action"


def _motion(readings: Readings | None) -> str:
    if readings is None:
        return NOT
    motion = readings.motion
    return f"{readings.declared}: agreement {motion.agreement():.2f}, {motion.gain():.2f} of the distance asked for"
