"""The conventions of LIBERO: what its actions and observations mean."""

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent

WORLD_VERSION = 1
"""Raised by one whenever an episode may now go another way for reasons of ours."""

RATE_HZ = 20.0

ACTION_SPEC = ActionSpec(
    components=(
        ActionComponent(
            name="delta_position",
            dims=3,
            kind="delta_position",
            unit="m",
            scale=0.05,
            frame="base",
            reference="measured",
        ),
        ActionComponent(
            name="delta_orientation",
            dims=3,
            kind="delta_rotation",
            unit="rad",
            scale=0.5,
            frame="base",
            reference="measured",
            rotation="axis_angle",
        ),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=1.0, gripper_open=-1.0),
    ),
    rate_hz=RATE_HZ,
)
"""robosuite's ``OSC_POSE``: seven numbers in [-1, 1]; a gripper of 0 stays as it is.

The turn is about the base's axes, applied to the measured orientation; where it is exactly zero, the goal of the last
turn holds.
"""


def observation_spec(image_size: int) -> ObservationSpec:
    """Cameras 'agentview' and 'wrist', and the eight numbers openpi calls the state."""
    names = ("agentview", "wrist")
    return ObservationSpec(
        cameras=tuple(Camera(name=name, height=image_size, width=image_size) for name in names),
        state=(
            StateComponent(name="eef_position", dims=3, unit="m", frame="world"),
            StateComponent(name="eef_orientation", dims=3, unit="rad", frame="world", rotation="axis_angle"),
            StateComponent(name="gripper_qpos", dims=2, unit="m"),
        ),
        rate_hz=RATE_HZ,
    )
