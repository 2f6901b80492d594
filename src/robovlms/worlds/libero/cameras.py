"""Images of a simulator, drawn by robosuite's own code and turned as data sets have them."""

from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from robovlms.worlds.gl import choose_backend
from robovlms.worlds.libero.package import load
from robovlms.worlds.libero.simulator import Simulator

CAMERAS = {"agentview": ("agentview_rgb", "image"), "robot0_eye_in_hand": ("eye_in_hand_rgb", "wrist_image")}
"""robosuite's cameras, and what each is called upright and turned by 180 degrees.

robosuite's images stand on their heads (the first row is the lowest), and so LIBERO's HDF5 files hold them. Our reader
of these files puts them upright: ``agentview_rgb``, ``eye_in_hand_rgb``. OpenVLA and openpi turn them by 180 degrees,
which also exchanges left and right, and so their RLDS and LeRobot copies hold them: ``image``, ``wrist_image``. A
policy gets the images it was trained on by their names.
"""

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

    def render(self, size: int) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
        """What both cameras see now, under each of their names; only after ``open``."""
        context, images = self._context, {}
        assert context is not None
        context.gl_ctx.make_current()  # another simulator's may have been the last
        for camera, (upright, turned) in CAMERAS.items():
            context.render(size, size, self._simulator.model.camera(camera).id)
            image = context.read_pixels(size, size)[::-1]
            images[upright], images[turned] = np.ascontiguousarray(image), np.ascontiguousarray(image[:, ::-1])
        return images

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
