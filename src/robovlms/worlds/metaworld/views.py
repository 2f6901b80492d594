"""The package's cameras: which there are, and which are upside down."""

from collections.abc import Sequence

from robovlms.core.errors import UnknownName, UserError

UPSIDE_DOWN = frozenset({"corner2", "corner3", "corner4"})
"""Their images are turned by half a turn."""
VIEWS = ("behindGripper", "corner", "corner2", "corner3", "corner4", "gripperPOV", "topview")
CAMERAS = ("corner4", "gripperPOV")
"""Those of the benchmark: from close by in front of the robot, and from between its fingers."""


def check_views(image_size: int, cameras: Sequence[str]) -> None:
    """Refuse what cannot be drawn.

    Raises:
        UserError: a size outside 8 to 1280 pixels, or no camera.
        UnknownName: no such camera.
    """
    if not 8 <= image_size <= 1280:
        raise UserError(f"Image size {image_size} is out of range; expected 8 to 1280 pixels.")
    if not cameras:
        raise UserError(f"Got no cameras, expected some of {', '.join(VIEWS)}.")
    for name in cameras:
        if name not in VIEWS:
            raise UnknownName("camera", name, VIEWS)
