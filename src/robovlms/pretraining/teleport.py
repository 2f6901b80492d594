"""Random states no robot has to reach: fixtures anywhere, blocks anywhere they can lie, the gripper anywhere."""

import numpy as np
from jaxtyping import Float

from robovlms.pretraining.disguise import Disguise, arrangement
from robovlms.pretraining.stage import Stage, Truth
from robovlms.pretraining.wording import choose
from robovlms.worlds.tabletop.geometry import (
    BLOCK_HALF,
    CABINET_FLOOR,
    COMPARTMENT,
    DOOR_TRAVEL,
    DRAWER_CENTRE,
    DRAWER_FLOOR,
    DRAWER_TRAVEL,
    FINGER_OPEN,
    SWITCH_RANGE,
    TABLE_FRONT,
    WORKSPACE_HIGH,
    WORKSPACE_LOW,
    quaternion_z,
)
from robovlms.worlds.tabletop.simulation import BULB_RAD
from robovlms.worlds.tabletop.state import BLOCKS

_SHIFT_M = np.array([0.025, 0.012, 0.0])
"""How far a fixture may stand from its place in the scene; wider than an episode's own jitter."""
_TOUCH_M = -0.004
"""The hand may be this deep inside something, as in a contact."""
_TRIES = 20
_INTEREST = ("slider", "drawer", "switch", "button", "bulb", "led")


class Teleporter:
    """Draws random states of one stage; a share ``disguised`` of them in another look and arrangement."""

    def __init__(self, stage: Stage, rng: np.random.Generator, disguised: float = 0.0):
        self.stage = stage
        self.disguise, self.disguised = Disguise(stage.simulation), disguised
        self.simulation = stage.simulation
        self.rng = rng
        tool = {stage.model.body(name).id for name in ("tool", "left_finger", "right_finger")}
        self._tool = np.isin(stage.model.geom_bodyid, list(tool))

    def scatter(self) -> Truth:
        """Put everything somewhere; poses are computed when this returns."""
        truth = Truth()
        self._fixtures()
        self.simulation.refresh()
        self._blocks(truth)
        for _ in range(_TRIES):
            self._tool_pose(truth)
            self.simulation.refresh()
            if not self._collides():
                break
        return truth

    def _fixtures(self) -> None:
        simulation = self.simulation
        for name, place in self._places().items():
            simulation.move_fixture(name, place)
        simulation.set_joint("slider", DOOR_TRAVEL * self._travel())
        simulation.set_joint("drawer", DRAWER_TRAVEL * self._travel())
        simulation.bulb, simulation.led = bool(self.rng.random() < 0.5), bool(self.rng.random() < 0.5)
        # The bulb changes when the lever passes a small angle beyond its middle.
        lever = self.rng.uniform(-BULB_RAD, SWITCH_RANGE)
        simulation.set_joint("switch", lever if simulation.bulb else -lever)

    def _places(self) -> dict[str, Float[np.ndarray, "3"]]:
        """Near the places of the scene, or anywhere they fit."""
        nominal = self.simulation.nominal
        self.disguise.take_off()
        if self.disguised < self.rng.random():
            return {name: home + self.rng.uniform(-1, 1, 3) * _SHIFT_M for name, home in nominal.items()}
        self.disguise.put_on(self.rng)
        places = arrangement(self.rng)
        places["drawer"][1] = nominal["drawer"][1]
        return places

    def _travel(self) -> float:
        """Mostly near the ends, where fixtures stand between tasks."""
        if self.rng.random() < 0.4:
            return float(self.rng.random())
        near = abs(self.rng.normal(0, 0.03))
        return float(np.clip(near if self.rng.random() < 0.5 else 1 - near, 0, 1))

    def _blocks(self, truth: Truth) -> None:
        order = self.rng.permutation(BLOCKS)
        taken: set[str] = set()
        for block in map(str, order):
            place = str(
                self.rng.choice(["table", "slider", "drawer", "gripper", "block"], p=[0.58, 0.12, 0.12, 0.12, 0.06])
            )
            base = next((b for b in map(str, order) if b in taken and truth.surface[b] == "table"), None)
            used = {truth.surface[b] for b in taken}
            if (place != "table" and place in used) or (place == "block" and base is None):
                place = "table"
            truth.surface[block] = place
            truth.held = block if place == "gripper" else truth.held
            truth.below[block] = base if place == "block" else None
            if place != "gripper":
                self._put_block(block, self._spot(block, place, base, taken))
            taken.add(block)

    def _put_block(self, block: str, position: Float[np.ndarray, "3"], yaw: float | None = None) -> None:
        turn = float(self.rng.uniform(-np.pi / 2, np.pi / 2)) if yaw is None else yaw
        if yaw is None and self.rng.random() < 0.4:
            turn = float(self.rng.normal(0, 0.15))
        self.simulation.set_free(block, np.asarray(position), quaternion_z(turn))

    def _spot(self, block: str, place: str, base: str | None, taken: set[str]) -> Float[np.ndarray, "3"]:
        height = BLOCK_HALF[block][2]
        if place == "block" and base is not None:
            below = self._lies_at(base)
            return below + np.array([*self.rng.normal(0, 0.006, 2), BLOCK_HALF[base][2] + height])
        if place == "drawer":
            free = self.rng.uniform(-1, 1, 2) * (0.07, 0.045)
            return self.stage.body_at("drawer") + np.array([free[0], DRAWER_CENTRE + free[1], DRAWER_FLOOR + height])
        if place == "slider":
            side = COMPARTMENT * self.rng.choice([-1, 1])
            free = self.rng.uniform(-1, 1, 2) * (0.035, 0.02)
            return self.stage.body_at("cabinet") + np.array([side + free[0], free[1], CABINET_FLOOR + height])
        return np.array([*self._free_xy(taken), height])

    def _lies_at(self, block: str) -> Float[np.ndarray, "3"]:
        return self.stage.data.joint(block).qpos[:3].copy()

    def _free_xy(self, taken: set[str]) -> Float[np.ndarray, "2"]:
        """A place on the table clear of fixtures and of other blocks."""
        others = [self._lies_at(block)[:2] for block in taken]
        for _ in range(50):
            spot = self.rng.uniform((-0.32, TABLE_FRONT + 0.03), (0.32, 0.16))
            clear = all(np.hypot(*(spot - other)) > 0.075 for other in others)
            if clear and not self._on_fixture(spot):
                break
        return spot

    def _on_fixture(self, spot: Float[np.ndarray, "2"]) -> bool:
        margins = {"cabinet": (0.215, 0.175), "switch": (0.08, 0.13), "button": (0.08, 0.13)}
        gaps = {name: np.abs(spot - self.stage.body_at(name)[:2]) for name in margins}
        return any(bool((gaps[name] < margins[name]).all()) for name in margins)

    def _tool_pose(self, truth: Truth) -> None:
        neutral = self.rng.random() < 0.5
        yaw = float(self.rng.normal(0, 0.08) if neutral else self.rng.uniform(-1.7, 1.7))
        pose = np.array([*self._tool_place(), *self.rng.normal(0, 0.04, 2), yaw])
        gap = float(self.rng.choice([FINGER_OPEN, 0.0, self.rng.uniform(0, FINGER_OPEN)], p=[0.5, 0.3, 0.2]))
        if truth.held:
            gap = BLOCK_HALF[truth.held][0]
            grip = pose[:3] + self.rng.normal(0, 0.004, 3)
            self._put_block(truth.held, grip, yaw=float(yaw + self.rng.normal(0, 0.03)))
        self.simulation.set_tool(pose, 2 * gap)

    def _tool_place(self) -> Float[np.ndarray, "3"]:
        """Some of the time anywhere above the table, else close to something worth reaching for."""
        if self.rng.random() < 0.4:
            return self.rng.uniform((*WORKSPACE_LOW[:2], 0.0), WORKSPACE_HIGH)
        name = choose(self.rng, (*BLOCKS, *_INTEREST))
        near = self.stage.body_at(name) if name in BLOCKS else self.stage.site_at(name)
        spread = self.rng.normal(0, self.rng.choice([0.015, 0.05, 0.10]), 3)
        above = (0, 0, abs(self.rng.normal(0.0, 0.06)))
        return np.clip(near + spread + above, WORKSPACE_LOW, WORKSPACE_HIGH)

    def _collides(self) -> bool:
        """Whether the hand is inside something."""
        contacts = self.stage.data.contact
        if not len(contacts.dist):
            return False
        return bool((self._tool[contacts.geom].any(axis=1) & (contacts.dist < _TOUCH_M)).any())
