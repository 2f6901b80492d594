"""Pictures of a simulation: upright, without shadows, reflections and antialiasing."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from robovlms.worlds.gl import choose_backend, close_at_exit, unusable
from robovlms.worlds.metaworld.simulation import Simulation
from robovlms.worlds.metaworld.views import UPSIDE_DOWN


class Cameras:
    """A renderer for square images of one size, made when first asked for; making one needs OpenGL."""

    def __init__(self, simulation: Simulation, size: int):
        self._simulation, self._size = simulation, size
        self._renderer: Any = None

    def render(self, camera: str) -> UInt8[np.ndarray, "h w 3"]:
        """The image of a camera of the package."""
        if self._renderer is None:
            self._renderer = self._make()
        self._renderer.update_scene(self._simulation.data, camera=camera)
        image = self._renderer.render()
        return np.ascontiguousarray(image[::-1, ::-1] if camera in UPSIDE_DOWN else image)

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _make(self) -> Any:
        choose_backend()
        mujoco, model = self._simulation.mujoco, self._simulation.model
        model.vis.quality.offsamples = model.vis.quality.shadowsize = 0
        try:
            renderer = mujoco.Renderer(model, self._size, self._size)
        except (mujoco.FatalError, ImportError, AttributeError, RuntimeError) as error:
            raise unusable(error) from None
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            renderer.scene.flags[flag] = False
        close_at_exit(self)
        return renderer
