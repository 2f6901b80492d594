"""Images of a simulator, drawn by robosuite's own code and turned as training data has them."""

from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from robovlms.worlds.gl import choose_backend
from robovlms.worlds.libero.package import load
from robovlms.worlds.libero.simulator import Simulator

CAMERAS = {"agentview": "agentview", "wrist": "robot0_eye_in_hand"}
"""Our names, and robosuite's."""

Look = Literal["full", "plain"]
"""``full`` is the package's; ``plain`` lacks shadows, reflections and antialiasing, and is drawn much faster."""

_COLLISION, _VISUAL = 0, 1


class Cameras:
    """Both cameras of a simulator."""

    def __init__(self, simulator: Simulator, look: Look):
        self._simulator, self._look, self._context = simulator, look, None

    def open(self) -> None:
        """Open OpenGL unless it is; not in the middle of a control step, since it computes other positions."""
        self._context = self._context or self._open()

    def render(self, camera: str, size: int) -> UInt8[np.ndarray, "h w 3"]:
        """An image as OpenVLA's and openpi's training data has it: robosuite's, turned by 180 degrees.

        robosuite's images stand on their heads (the first row is the lowest); LIBERO's HDF5 files hold them so. Turned,
        they stand upright, with left and right exchanged.
        """
        context = self._context
        assert context is not None
        context.gl_ctx.make_current()  # another simulator's may have been the last
        context.render(size, size, self._simulator.model.camera(CAMERAS[camera]).id)
        return np.ascontiguousarray(context.read_pixels(size, size)[::-1, ::-1])

    def close(self) -> None:
        """Free the OpenGL context."""
        if self._context is not None:
            self._simulator.env.sim._render_context_offscreen = None
            self._context = None

    def _open(self) -> Any:
        choose_backend()
        simulator, mujoco = self._simulator, load("mujoco")
        if self._look == "plain":
            simulator.model.vis.quality.offsamples = 0
        context = load("robosuite.utils.binding_utils").MjRenderContextOffscreen(simulator.env.sim, device_id=-1)
        context.vopt.geomgroup[_COLLISION], context.vopt.geomgroup[_VISUAL] = 0, 1
        if self._look == "plain":
            for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
                context.scn.flags[flag] = 0
        return context
