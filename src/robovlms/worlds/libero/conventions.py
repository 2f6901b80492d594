"""The conventions of LIBERO: what its actions and observations mean."""

from itertools import chain

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.worlds.libero.cameras import CAMERAS

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
    rate_hz=RATE_HZ,
)
"""robosuite's ``OSC_POSE``: seven numbers in [-1, 1]; a gripper of 0 stays as it is.

What the reader of LIBERO's HDF5 files says too. The turn is about the world's axes, applied to the measured
orientation; where it is exactly zero, the goal of the last turn holds.
"""


def observation_spec(image_size: int) -> ObservationSpec:
    """The cameras under all their names (see ``cameras``), and the state as LIBERO's HDF5 files name it.

    ``ee_ori`` is robosuite's axis-angle, whose angle goes from 0 to 2 pi. openpi has the same eight numbers.
    """
    return ObservationSpec(
        cameras=tuple(Camera(name=name, height=image_size, width=image_size) for name in chain(*CAMERAS.values())),
        state=(
            StateComponent(name="ee_pos", dims=3, unit="m", frame="world"),
            StateComponent(name="ee_ori", dims=3, unit="rad", frame="world", rotation="axis_angle"),
            StateComponent(name="gripper_states", dims=2, unit="m"),
        ),
        rate_hz=RATE_HZ,
    )
