"""The conventions of LIBERO: what its actions and observations mean."""

from itertools import chain

from robovlms.actions.osc_pose import OSC_POSE
from robovlms.actions.spec import Camera, ObservationSpec, StateComponent
from robovlms.worlds.libero.cameras import CAMERAS

WORLD_VERSION = 1
"""Raised by one whenever an episode may now go another way for reasons of ours."""

ACTION_SPEC = OSC_POSE
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
        rate_hz=ACTION_SPEC.rate_hz,
    )
