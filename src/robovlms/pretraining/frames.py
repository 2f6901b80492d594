"""What is stored of one moment: two images and the privileged truth that questions are asked about."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from robovlms.pretraining.model import IMAGE_SIZE
from robovlms.worlds.tabletop.state import BLOCKS

CAMERAS = ("static", "wrist")
POINTS = (*BLOCKS, "gripper", "slider", "drawer", "switch", "button", "bulb", "led", "tray", "shelf")
"""Places a question can ask for: blocks, the tool centre point, handles, lights, and where a block can be put: the
middle of the drawer's floor (tray) and of the cabinet's uncovered compartment (shelf)."""

SURFACES = ("table", "slider", "drawer", "block", "gripper", "air")
SCENE_NAMES = ("A", "B", "C", "D")

FRAME = np.dtype(
    [
        ("images", "u1", (len(CAMERAS), IMAGE_SIZE, IMAGE_SIZE, 3)),
        ("scene", "u1"),
        ("points", "f4", (len(POINTS), 3)),
        ("pixels", "f4", (len(CAMERAS), len(POINTS), 2)),
        ("visible", "?", (len(CAMERAS), len(POINTS))),
        ("block_yaw", "f4", len(BLOCKS)),
        ("surface", "u1", len(BLOCKS)),
        ("below", "i1", len(BLOCKS)),
        ("held", "i1"),
        ("yaw", "f4"),
        ("opening", "f4"),
        ("slider", "f4"),
        ("drawer", "f4"),
        ("switch", "f4"),
        ("bulb", "?"),
        ("led", "?"),
    ]
)
"""One stored frame. Lengths in metres (world frame), angles in radians, pixels as (x, y) of a 64-pixel image; ``below``
is the index of the block underneath, ``held`` that of the block in the gripper, -1 for none; ``opening`` is the gap
between the fingers."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Reading glasses for one record of ``FRAME``."""

    record: np.void

    @property
    def images(self) -> UInt8[np.ndarray, "n h w 3"]:
        """The static and the wrist image."""
        return self.record["images"]

    @property
    def held(self) -> str | None:
        """Name of the block in the gripper."""
        return BLOCKS[self.record["held"]] if self.record["held"] >= 0 else None

    def surface(self, block: str) -> str:
        """What a block rests on."""
        return SURFACES[self.record["surface"][BLOCKS.index(block)]]

    def below(self, block: str) -> str | None:
        """The block underneath, if any."""
        index = int(self.record["below"][BLOCKS.index(block)])
        return BLOCKS[index] if index >= 0 else None

    def position(self, point: str) -> Float[np.ndarray, "3"]:
        """World position (m)."""
        return self.record["points"][POINTS.index(point)]

    def offset(self, point: str) -> Float[np.ndarray, "3"]:
        """Vector (m, world axes) from the gripper to a point."""
        return self.position(point) - self.position("gripper")

    def pixel(self, camera: str, point: str) -> Float[np.ndarray, "2"]:
        """Where a point is projected, (x, y) in pixels."""
        return self.record["pixels"][CAMERAS.index(camera), POINTS.index(point)]

    def sees(self, camera: str, point: str) -> bool:
        """Whether some of the object at a point shows in an image."""
        return bool(self.record["visible"][CAMERAS.index(camera), POINTS.index(point)])

    def shown(self, point: str) -> bool:
        """Whether any camera sees the point."""
        return any(self.sees(camera, point) for camera in CAMERAS)
