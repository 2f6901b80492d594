"""What could be verified, in words: a data set without findings may also be one that says too little."""

from collections.abc import Mapping

from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.pose import opening_of
from robovlms.data.doctor.readings import Readings, position_readings, rotation_readings

NOT = "not verified: the specs or the state lack it, or the robot hardly moved so"


def verified(data: Examined) -> Mapping[str, str]:
    """For position, rotation and gripper: how they are read and how well it fits, or that this is not known."""
    gripper, opening = data.action_spec.gripper, opening_of(data.observation_spec)
    return {
        "position": _motion(position_readings(data)),
        "rotation": _motion(rotation_readings(data)),
        "gripper": f"'{gripper.name}' against '{opening.name}'" if gripper and opening else NOT,
    }


def _motion(readings: Readings | None) -> str:
    if readings is None:
        return NOT
    motion = readings.motion
    return f"{readings.declared}: agreement {motion.agreement():.2f}, {motion.gain():.2f} of the distance asked for"
