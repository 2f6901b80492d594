"""Draw a simulation and write down what is true of it: images, projections, visibility, positions."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from robovlms.pretraining.frames import CAMERAS, FRAME, POINTS, SCENE_NAMES, SURFACES, Frame
from robovlms.pretraining.model import IMAGE_SIZE
from robovlms.worlds.tabletop.geometry import CABINET_FLOOR, COMPARTMENT, DOOR_TRAVEL, DRAWER_CENTRE, DRAWER_FLOOR
from robovlms.worlds.tabletop.simulation import Simulation
from robovlms.worlds.tabletop.state import BLOCKS, SceneState

_SITES = {"gripper": "tcp", **{name: name for name in ("slider", "drawer", "switch", "button", "bulb", "led")}}
_GEOMS = {
    **{block: (block,) for block in BLOCKS},
    "gripper": ("palm", "left_pad", "right_pad", "left_shell", "right_shell"),
    "slider": ("door_knob",),
    "drawer": ("drawer_bar", "drawer_arm_left", "drawer_arm_right"),
    "switch": ("lever", "lever_tip"),
    "button": ("cap",),
    "bulb": ("bulb",),
    "led": ("led",),
    "tray": ("drawer_floor",),
    "shelf": ("cabinet_floor",),
}
_LEAST_PIXELS = 3
"""An object shows when at least this many of its pixels do and its centre lies inside the image."""


@dataclass(slots=True)
class Truth:
    """What joint positions do not say: what blocks rest on, and what is held."""

    surface: dict[str, str] = field(default_factory=lambda: dict.fromkeys(BLOCKS, "table"))
    below: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(BLOCKS))
    held: str | None = None

    @classmethod
    def of(cls, state: SceneState) -> "Truth":
        """The same of a live world."""
        blocks = state.blocks.items()
        return cls({name: b.surface for name, b in blocks}, {name: b.on for name, b in blocks}, state.held)


class Stage:
    """A simulation with a renderer of its own. One stage at a time in a process; ``close`` it when done."""

    def __init__(self, scene: str, simulation: Simulation):
        self.scene = scene
        self.simulation = simulation
        self.model, self.data = simulation.model, simulation.data
        self._renderer: Any = simulation.mujoco.Renderer(self.model, IMAGE_SIZE, IMAGE_SIZE)
        self._groups = np.full(self.model.ngeom + 1, len(POINTS), dtype=np.int64)
        for index, point in enumerate(POINTS):
            self._groups[[self.model.geom(name).id for name in _GEOMS[point]]] = index

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def body_at(self, name: str) -> Float[np.ndarray, "3"]:
        """World position of a body; fixtures are children of the world."""
        return self.data.body(name).xpos.copy()

    def site_at(self, name: str) -> Float[np.ndarray, "3"]:
        """World position of a site: a handle, a light."""
        return self.data.site(name).xpos.copy()

    def points(self) -> Float[np.ndarray, "p 3"]:
        """World positions of all points (m)."""
        drawer, cabinet = self.body_at("drawer"), self.body_at("cabinet")
        free = COMPARTMENT if self.simulation.joint("slider") > DOOR_TRAVEL / 2 else -COMPARTMENT
        place = {
            **{block: self.body_at(block) for block in BLOCKS},
            **{point: self.site_at(site) for point, site in _SITES.items()},
            "tray": drawer + np.array([0, DRAWER_CENTRE, DRAWER_FLOOR]),
            "shelf": cabinet + np.array([free, 0, CABINET_FLOOR]),
        }
        return np.stack([place[point] for point in POINTS])

    def project(self, camera: str, points: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "p 2"]:
        """Pixels (x, y) of world points; points behind the camera go to -1."""
        view, lens = self.data.cam(camera), self.model.cam(camera).fovy[0]
        local = (points - view.xpos) @ view.xmat.reshape(3, 3)
        scale = IMAGE_SIZE / 2 / np.tan(np.deg2rad(lens) / 2)
        depth = np.maximum(-local[:, 2:], 1e-6)
        pixels = IMAGE_SIZE / 2 + scale * local[:, :2] * (1, -1) / depth
        return np.where(local[:, 2:] < -0.005, pixels, -1.0)

    def draw(self, camera: str) -> tuple[UInt8[np.ndarray, "h w 3"], Bool[np.ndarray, " p"]]:
        """The image of a camera, and which points' objects show in it."""
        self._renderer.update_scene(self.data, camera=camera)
        image = self._renderer.render().copy()
        self._renderer.enable_segmentation_rendering()
        ids = self._renderer.render()[..., 0]
        self._renderer.disable_segmentation_rendering()
        counts = np.bincount(self._groups[ids.ravel()], minlength=len(POINTS) + 1)
        return image, counts[: len(POINTS)] >= _LEAST_PIXELS

    def frame(self, truth: Truth) -> Frame:
        """Draw both cameras and write everything down."""
        self.simulation.dress()
        record: Any = np.zeros((), dtype=FRAME)
        record["scene"], record["points"] = SCENE_NAMES.index(self.scene), self.points()
        for index, camera in enumerate(CAMERAS):
            record["images"][index], shows = self.draw(camera)
            pixels = self.project(camera, record["points"])
            record["pixels"][index] = pixels
            record["visible"][index] = shows & ((pixels >= 0) & (pixels < IMAGE_SIZE)).all(axis=1)
        self._write_joints(record)
        _write_truth(record, truth)
        return Frame(record[()])

    def _write_joints(self, record: Any) -> None:
        for index, block in enumerate(BLOCKS):
            matrix = self.data.body(block).xmat
            record["block_yaw"][index] = np.arctan2(matrix[3], matrix[0])
        for name, joint in (("yaw", "tool_yaw"), ("slider", "slider"), ("drawer", "drawer"), ("switch", "switch")):
            record[name] = self.simulation.joint(joint)
        record["opening"] = self.simulation.width
        record["bulb"], record["led"] = self.simulation.bulb, self.simulation.led


def _write_truth(record: Any, truth: Truth) -> None:
    record["surface"] = [SURFACES.index(truth.surface[block]) for block in BLOCKS]
    below = [truth.below[block] for block in BLOCKS]
    record["below"] = [BLOCKS.index(block) if block else -1 for block in below]
    record["held"] = BLOCKS.index(truth.held) if truth.held else -1
