"""The action convention of robosuite's ``OSC_POSE`` controller as LIBERO uses it, in its simulator and its data.

Sources: ``controllers/osc.py`` and ``models/grippers/panda_gripper.py`` of robosuite 1.4, which LIBERO pins.
"""

from robovlms.actions.spec import ActionComponent, ActionSpec

OSC_POSE = ActionSpec(
    components=(
        ActionComponent(
            name="delta_position",
            dims=3,
            kind="delta_position",
            unit="m",
            scale=0.05,
            frame="world",
            reference="measured",
        ),
        ActionComponent(
            name="delta_orientation",
            dims=3,
            kind="delta_rotation",
            unit="rad",
            scale=0.5,
            frame="world",
            reference="measured",
            rotation="axis_angle",
        ),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=1.0, gripper_open=-1.0),
    ),
    rate_hz=20.0,
)
"""Seven numbers in [-1, 1]; the turn is about the world's axes, applied to the measured orientation."""
