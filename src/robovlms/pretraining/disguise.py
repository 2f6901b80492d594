"""Other looks and other arrangements of scenes A to C, so that three scenes are not learned by heart.

Colours of the parts of scenes A, B and C are mixed and shifted, table and floor are tinted, fixtures stand anywhere
they fit. Nothing of scene D is used. What means something keeps its colour: blocks, lamps, the lever's tip, the button.
"""

import numpy as np
from jaxtyping import Float

from robovlms.worlds.tabletop.scenes import SCENES
from robovlms.worlds.tabletop.simulation import Simulation

_PARTS = {
    "cabinet": ("cabinet_floor", "cabinet_back", "cabinet_left", "cabinet_right", "cabinet_sill"),
    "door": ("door",),
    "drawer": ("drawer_front", "drawer_floor", "drawer_left", "drawer_right", "drawer_rear"),
    "handle": ("door_knob", "drawer_bar", "drawer_arm_left", "drawer_arm_right", "lever"),
    "console": ("switch_console", "button_console"),
}
_TINTED = ("table", "floor")
_DARKER = {"cabinet_floor": 0.62, "drawer_floor": 0.75}
"""Insides are darker, as in the scenes."""
_CABINET_TO_CONSOLE_M, _CONSOLE_TO_CONSOLE_M = 0.23, 0.10
_LOOKS = [SCENES[name].look for name in "ABC"]


class Disguise:
    """Changes the look of a simulation, and gives it back."""

    def __init__(self, simulation: Simulation):
        self._model = simulation.model
        self._geoms = simulation.model.geom_rgba.copy()
        self._materials = simulation.model.mat_rgba.copy()

    def put_on(self, rng: np.random.Generator) -> None:
        """Draw a new look."""
        for part, geoms in _PARTS.items():
            base = np.array(getattr(_LOOKS[int(rng.integers(len(_LOOKS)))], part))
            colour = np.clip(base * rng.uniform(0.65, 1.25) * rng.uniform(0.85, 1.15, 3), 0.04, 1.0)
            for geom in geoms:
                self._model.geom(geom).rgba[:3] = colour * _DARKER.get(geom, 1.0)
        for name in _TINTED:
            self._model.mat(name).rgba[:3] = np.clip(rng.uniform(0.7, 1.1) * rng.uniform(0.88, 1.12, 3), 0, 1.2)

    def take_off(self) -> None:
        """Return to the scene's own look."""
        self._model.geom_rgba[:] = self._geoms
        self._model.mat_rgba[:] = self._materials


def arrangement(rng: np.random.Generator) -> dict[str, Float[np.ndarray, "3"]]:
    """Places (m) of the fixtures on the table, none in another; the drawer keeps its y, which is its slot's."""
    while True:
        cabinet, drawer = rng.uniform(-0.18, 0.18), rng.uniform(-0.16, 0.16)
        consoles = rng.uniform(-0.30, 0.30, 2)
        apart = abs(consoles[0] - consoles[1]) > _CONSOLE_TO_CONSOLE_M
        if apart and (np.abs(consoles - cabinet) > _CABINET_TO_CONSOLE_M).all():
            break
    y = rng.uniform((0.190, 0.130, 0.130), (0.215, 0.170, 0.170))
    return {
        "cabinet": np.array([cabinet, y[0], 0.0]),
        "drawer": np.array([drawer, 0.0, 0.0]),
        "switch": np.array([consoles[0], y[1], 0.0]),
        "button": np.array([consoles[1], y[2], 0.0]),
    }
