"""The conventions of the tabletop: what its actions and observations mean."""

from robovlms.actions.delta_pose import delta_pose_spec
from robovlms.actions.spec import Camera, ObservationSpec, StateComponent
from robovlms.core.errors import UserError

WORLD_VERSION = 1
"""Raised by one whenever an episode may now go another way: physics, scenes, images, tasks, rewards or sentences.

It is part of an evaluation's protocol, so that scores from before and after are never taken for comparable.
"""

RATE_HZ = 10.0
POSITION_SCALE_M = 0.04
ROTATION_SCALE_RAD = 0.25
CAMERAS = ("static", "wrist")

ImageSize = int | tuple[int, int]
"""Side of the square images in pixels: one number, or (static, wrist)."""

ACTION_SPEC = delta_pose_spec(POSITION_SCALE_M, ROTATION_SCALE_RAD, RATE_HZ)
"""Seven numbers in [-1, 1]: delta position, delta Euler xyz, gripper (below 0 closes, else opens)."""

_STATE = (
    StateComponent(name="tcp_position", dims=3, unit="m", frame="base"),
    StateComponent(name="tcp_orientation", dims=3, unit="rad", frame="base", rotation="euler_xyz"),
    StateComponent(name="gripper_width", dims=1, unit="m"),
    StateComponent(name="joint_positions", dims=7, frame="joint"),
    StateComponent(name="gripper_action", dims=1),
)


def observation_spec(image_size: ImageSize = 64) -> ObservationSpec:
    """Two square cameras and the 15-D state.

    The seven joint positions are the gantry's (x, y, z in m; yaw, pitch, roll in rad) and one finger's (m). The
    gripper action is the last command, -1 or 1.

    Raises:
        UserError: a size outside 8 to 1280 pixels.
    """
    static, wrist = sizes(image_size)
    cameras = (
        Camera(name="static", height=static, width=static),
        Camera(name="wrist", height=wrist, width=wrist),
    )
    return ObservationSpec(cameras=cameras, state=_STATE, rate_hz=RATE_HZ)


def sizes(image_size: ImageSize) -> tuple[int, int]:
    """(static, wrist) sizes in pixels."""
    static, wrist = (image_size, image_size) if isinstance(image_size, int) else image_size
    for size in (static, wrist):
        if not 8 <= size <= 1280:
            raise UserError(f"Image size {size} is out of range; expected 8 to 1280 pixels.")
    return static, wrist
