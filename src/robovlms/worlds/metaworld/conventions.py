"""The conventions of Meta-World: what its actions and observations mean."""

from collections.abc import Sequence

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.worlds.metaworld.views import CAMERAS, check_views

WORLD_VERSION = 1
"""Raised by one whenever an episode may now go another way: starts, images, tasks or sentences."""

RATE_HZ = 80.0
"""Five physics steps of 2.5 ms."""

POSITION_SCALE_M = 0.01

ACTION_SPEC = ActionSpec(
    components=(
        ActionComponent(
            name="delta_position",
            dims=3,
            kind="delta_position",
            unit="m",
            scale=POSITION_SCALE_M,
            frame="world",
            reference="commanded",
        ),
        ActionComponent(name="gripper_effort", dims=1, kind="other"),
    ),
    rate_hz=RATE_HZ,
)
"""Four numbers in [-1, 1]: what is added to the commanded position, along the world's axes; and how strongly the
fingers open (-1) or close (1). The effort is not a switch: what a full grip squeezes out, half of it holds."""

_STATE = (
    StateComponent(name="tcp_position", dims=3, unit="m", frame="world"),
    StateComponent(name="gripper_width", dims=1, unit="m"),
)


def observation_spec(image_size: int = 64, cameras: Sequence[str] = CAMERAS) -> ObservationSpec:
    """Square cameras, and what the arm knows of itself: where the hand is, and how far its fingers are apart.

    The package's own observation also tells where objects and the goal are; a policy that looks does not get that.

    Raises:
        UserError: a size outside 8 to 1280 pixels, or no camera.
        UnknownName: no such camera.
    """
    check_views(image_size, cameras)
    views = tuple(Camera(name=name, height=image_size, width=image_size) for name in cameras)
    return ObservationSpec(cameras=views, state=_STATE, rate_hz=RATE_HZ)
