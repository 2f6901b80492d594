"""Pictures of a simulation, and where a point of the world falls in them."""

import time
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from robovlms.core.errors import UnknownName
from robovlms.worlds.gl import choose_backend, close_at_exit, unusable
from robovlms.worlds.tabletop.conventions import CAMERAS
from robovlms.worlds.tabletop.simulation import Simulation


class Cameras:
    """One renderer for each image size, made when first asked for; making one needs OpenGL."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation
        self._renderers: dict[tuple[int, int], Any] = {}
        self.render_s = 0.0

    def render(self, camera: str, size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
        """The image of a camera, (height, width) pixels; ``render_s`` sums up how long drawing took."""
        began = time.perf_counter()
        renderer = self._renderer(size)
        self._simulation.dress()
        renderer.update_scene(self._simulation.data, camera=_known(camera))
        image = renderer.render().copy()
        self.render_s += time.perf_counter() - began
        return image

    def project(
        self, points: Float[np.ndarray, "n 3"], camera: str, size: tuple[int, int]
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Pixels (x to the right, y down; pixel centres at .5) of world points, and which of them are in the frame.

        Points hidden behind something else count as in the frame.
        """
        data, index = self._simulation.data, int(self._simulation.model.camera(_known(camera)).id)
        local = (points - data.cam_xpos[index]) @ data.cam_xmat[index].reshape(3, 3)
        depth = -local[:, 2]
        height, width = size
        focal = height / 2 / np.tan(np.radians(self._simulation.model.cam_fovy[index]) / 2)
        ahead = depth > 1e-6
        scaled = focal * local[:, :2] / np.where(ahead, depth, 1.0)[:, None]
        pixels = np.stack([width / 2 + scaled[:, 0], height / 2 - scaled[:, 1]], axis=1)
        inside = ahead & (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
        return pixels, inside

    def close(self) -> None:
        """Free the renderers."""
        while self._renderers:
            self._renderers.popitem()[1].close()

    def _renderer(self, size: tuple[int, int]) -> Any:
        if size not in self._renderers:
            choose_backend()
            self._renderers[size] = _make(self._simulation, size)
            close_at_exit(self)
        return self._renderers[size]


def _make(simulation: Simulation, size: tuple[int, int]) -> Any:
    try:
        return simulation.mujoco.Renderer(simulation.model, *size)
    except (simulation.mujoco.FatalError, ImportError, AttributeError, RuntimeError) as error:
        raise unusable(error) from None


def _known(camera: str) -> str:
    if camera not in CAMERAS:
        raise UnknownName("camera", camera, CAMERAS)
    return camera
