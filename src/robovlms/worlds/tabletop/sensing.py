"""Read the simulation as people describe it: what rests where, what is held, where the fixtures are."""

import numpy as np
from jaxtyping import Float

from robovlms.core.trace import Moment
from robovlms.worlds.tabletop.geometry import TABLE_BACK, TABLE_FRONT, euler
from robovlms.worlds.tabletop.simulation import Simulation
from robovlms.worlds.tabletop.state import BLOCKS, Block, SceneState, Surface

FALLEN_M = -0.02
"""A block whose centre is lower than this lies on the floor, unless it is in the drawer."""
_SHUDDER_M = 0.003
_FINGERS = frozenset({"left_finger", "right_finger"})
_ROBOT = _FINGERS | {"tool"}
Point = Float[np.ndarray, "3"]
_SITES = ("slider", "drawer", "switch", "button", "bulb", "led")
_OBJECTS = {**{name: name for name in BLOCKS}, "door": "slider", "drawer": "drawer", "lever": "switch", "cap": "button"}
"""Everything that can be moved, by the name of its body."""
PINCHED_M = 0.03
"""Closed fingers that stay this far apart have something between them: blocks are 4 cm wide or wider."""


class Sensing:
    """Names and contacts of a simulation; built once, read at every step."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation
        model = simulation.model
        self._body_of_geom = [model.body(int(body)).name for body in model.geom_bodyid]
        self._cabinet_id = int(model.body("cabinet").id)
        self._cached: tuple[int, SceneState] | None = None
        self._block_ids = {name: int(model.body(name).id) for name in BLOCKS}
        self._site_ids = {name: int(model.site(name).id) for name in _SITES}

    def state(self) -> SceneState:
        """The privileged state of this moment; read once for each control step, however often it is asked for."""
        if self._cached is None or self._cached[0] != self._simulation.revision:
            self._cached = self._simulation.revision, self._read()
        return self._cached[1]

    def _read(self) -> SceneState:
        sim = self._simulation
        touching = self._touching()
        blocks = {name: self._block(name, touching) for name in BLOCKS}
        return SceneState(
            tcp=sim.pose[:3],
            blocks=blocks,
            cabinet_x=float(sim.model.body_pos[self._cabinet_id, 0]),
            slider=sim.joint("slider"),
            drawer=sim.joint("drawer"),
            switch=sim.joint("switch"),
            bulb=sim.bulb,
            led=sim.led,
            held=next((name for name, block in blocks.items() if self._carried(block, touching[name])), None),
        )

    def moment(self) -> Moment:
        """What failures are named from; a fixture is where its handle is, and its light is its own."""
        sim, touching = self._simulation, self._robot_touches()
        sites = self.fixtures()
        between = (name for name in BLOCKS if touching.get(name, frozenset()) >= _FINGERS)
        return Moment(
            tool=sim.pose[:3],
            closed=sim.grip < 0,
            held=next(between, None) if sim.grip < 0 and sim.width > PINCHED_M else None,
            touched=frozenset(touching),
            objects={name: self.block_pose(name)[0] if name in BLOCKS else sites[name] for name in _OBJECTS.values()},
            lit=frozenset(name for name, on in (("switch", sim.bulb), ("button", sim.led)) if on),
        )

    def fixtures(self) -> dict[str, Float[np.ndarray, "3"]]:
        """World positions (m) of the slider's and drawer's handles, the lever's tip, button, bulb and LED."""
        return {name: self._simulation.data.site_xpos[i].copy() for name, i in self._site_ids.items()}

    def block_pose(self, name: str) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
        """Position (m) and Euler xyz (rad) of a block."""
        i = self._block_ids[name]
        return self._simulation.data.xpos[i].copy(), euler(self._simulation.data.xmat[i])

    def _touching(self) -> dict[str, set[str]]:
        """For each block, the bodies it touches."""
        touching: dict[str, set[str]] = {name: set() for name in BLOCKS}
        for first, second in self._simulation.data.contact.geom.tolist():
            one, two = self._body_of_geom[first], self._body_of_geom[second]
            if one in touching:
                touching[one].add(two)
            if two in touching:
                touching[two].add(one)
        return touching

    def _robot_touches(self) -> dict[str, set[str]]:
        """For each object that the robot touches, the parts of the robot that do."""
        touches: dict[str, set[str]] = {}
        for pair in self._simulation.data.contact.geom.tolist():
            one, two = (self._body_of_geom[geom] for geom in pair)
            for part, body in ((one, two), (two, one)):
                if part in _ROBOT and body in _OBJECTS:
                    touches.setdefault(_OBJECTS[body], set()).add(part)
        return touches

    def _carried(self, block: Block, mine: set[str]) -> bool:
        """Both fingers of a closed gripper hold the block and nothing else carries it."""
        pinched = mine >= _FINGERS
        return self._simulation.grip < 0 and pinched and block.surface == "gripper"

    def _block(self, name: str, touching: dict[str, set[str]]) -> Block:
        position, angles = self.block_pose(name)
        touched = bool(touching[name] & _ROBOT)
        surface, below = self._rests_on(name, position, touching)
        return Block(position, angles, surface, below, touched)

    def _rests_on(self, name: str, position: Point, touching: dict[str, set[str]]) -> tuple[Surface, str | None]:
        mine = touching[name]
        if self._on_table(name, position, mine):
            return "table", None
        if "drawer" in mine:
            return "drawer", None
        if mine & {"cabinet", "door"}:
            return "slider", None
        below = next((other for other in BLOCKS if other in mine and self._is_above(name, other)), None)
        if below:
            return "block", below
        return ("gripper", None) if mine >= _FINGERS else ("air", None)

    def _on_table(self, name: str, position: Point, mine: set[str]) -> bool:
        """A block that shudders while it is pushed leaves the table by less than a millimetre, and is still on it."""
        # The floor is part of the world too; a block that fell there is out of play.
        if "world" in mine:
            return bool(position[2] > FALLEN_M)
        i = self._block_ids[name]
        bottom = position[2] - np.abs(self._simulation.data.xmat[i, 6:]) @ self._simulation.block_half[name]
        return bool(abs(bottom) < _SHUDDER_M and TABLE_FRONT < position[1] < TABLE_BACK)

    def _is_above(self, name: str, other: str) -> bool:
        heights = self._simulation.data.xpos[[self._block_ids[name], self._block_ids[other]], 2]
        return bool(heights[0] - heights[1] > 0.02)
