"""Put a simulation into an initial state: fixtures jittered, blocks inside their regions, the tool near its start."""

import numpy as np
from jaxtyping import Float

from robovlms.core.errors import UserError
from robovlms.worlds.tabletop.geometry import (
    CABINET_FLOOR,
    COMPARTMENT,
    DOOR_TRAVEL,
    DRAWER_CENTRE,
    DRAWER_FLOOR,
    DRAWER_TRAVEL,
    SWITCH_RANGE,
    quaternion_z,
)
from robovlms.worlds.tabletop.initial import InitialState
from robovlms.worlds.tabletop.simulation import FIXTURES, Simulation
from robovlms.worlds.tabletop.state import BLOCKS

JITTER = {"cabinet": (0.015, 0.010), "drawer": (0.02, 0.0), "switch": (0.014, 0.012), "button": (0.014, 0.012)}
"""Most a fixture stands off its scene's place in x and y (m), drawn evenly for each reset."""
BLOCK_ZONE = np.array([[-0.20, -0.14], [0.20, 0.0]])
"""Low and high xy (m) of the centres of blocks that start on the table."""
BLOCK_YAW = 0.4
DISTRACTOR_ZONE = np.array([[-0.33, -0.17], [0.33, 0.03]])
"""The same for distractors: everywhere on the table that is clear of the fixtures and their handles."""
_BLOCK_GAP = 0.095
_START = np.array([0.0, -0.08, 0.20, 0.0, 0.0, 0.0])
_START_NOISE = np.array([0.05, 0.05, 0.02, 0.0, 0.0, 0.08])
_SETTLE_SUBSTEPS = 60


def place(simulation: Simulation, initial: InitialState, rng: np.random.Generator) -> None:
    """Reset everything to ``initial``; all that is random comes from ``rng``, drawn in a fixed order."""
    simulation.mujoco.mj_resetData(simulation.model, simulation.data)
    for name in FIXTURES:
        offset = rng.uniform(-1, 1, 2) * JITTER[name]
        simulation.move_fixture(name, simulation.nominal[name] + [*offset, 0.0])
    _set_fixtures(simulation, initial)
    start = _START + _START_NOISE * rng.uniform(-1, 1, 6)
    simulation.grip = 1.0
    simulation.set_tool(start, width=0.08)
    _set_blocks(simulation, initial, start, rng)
    if initial.held:
        _close_on(simulation, initial.held, start)
    _set_distractors(simulation, rng)
    simulation.advance(_SETTLE_SUBSTEPS)


def _set_fixtures(simulation: Simulation, initial: InitialState) -> None:
    simulation.set_joint("slider", DOOR_TRAVEL if initial.slider == "left" else 0.0)
    simulation.set_joint("drawer", DRAWER_TRAVEL if initial.drawer == "open" else 0.0)
    simulation.set_joint("switch", SWITCH_RANGE if initial.lightbulb else -SWITCH_RANGE)
    simulation.bulb, simulation.led, simulation.pressed = initial.lightbulb, initial.led, False


def _set_blocks(
    simulation: Simulation, initial: InitialState, start: Float[np.ndarray, "6"], rng: np.random.Generator
) -> None:
    taken: list[np.ndarray] = []
    for name in BLOCKS:
        where = initial.blocks[name]
        yaw = rng.uniform(-BLOCK_YAW, BLOCK_YAW)
        if where == "gripper":
            position, yaw = start[:3], start[5]
        elif where == "table":
            position = _free_spot(rng, taken)
        else:
            position = _centre(simulation, where) + np.append(rng.uniform(-1, 1, 2) * (0.018, 0.015), 0.0)
        lift = 0.0 if where == "gripper" else simulation.block_half[name][2] + 0.0005
        simulation.set_free(name, position + np.array([0.0, 0.0, lift]), quaternion_z(yaw))


def _set_distractors(simulation: Simulation, rng: np.random.Generator) -> None:
    """Last of all, so that with the same ``rng`` everything else stands where it stands without them."""
    taken = [simulation.free(name) for name in BLOCKS]
    for name in simulation.distractors:
        spot = _free_spot(rng, taken, DISTRACTOR_ZONE)
        simulation.set_free(name, spot + np.array([0.0, 0.0, 0.0005]), quaternion_z(rng.uniform(-np.pi, np.pi)))


def _free_spot(
    rng: np.random.Generator, taken: list[np.ndarray], zone: Float[np.ndarray, "2 2"] = BLOCK_ZONE
) -> Float[np.ndarray, "3"]:
    """A spot on the table away from the blocks already there; adds itself to ``taken``."""
    for _ in range(1000):
        spot = np.append(rng.uniform(*zone), 0.0)
        if all(np.linalg.norm(spot - other) > _BLOCK_GAP for other in taken):
            taken.append(spot)
            return spot
    raise AssertionError("three blocks always fit on the table")


def _centre(simulation: Simulation, where: str) -> Float[np.ndarray, "3"]:
    """Floor centre of a region that holds one block."""
    if where == "drawer":
        x, y, _ = simulation.model.body("drawer").pos
        return np.array([x, y + DRAWER_CENTRE - simulation.joint("drawer"), DRAWER_FLOOR])
    x, y, _ = simulation.model.body("cabinet").pos
    side = {"slider_left": -1, "slider_right": 1}[where]
    return np.array([x + side * COMPARTMENT, y, CABINET_FLOOR])


def _close_on(simulation: Simulation, name: str, start: Float[np.ndarray, "6"]) -> None:
    """Begin with the fingers just off the block's short side, and command them to close."""
    simulation.grip = -1.0
    simulation.set_tool(start, width=2 * simulation.block_half[name][0] + 0.003)


def as_initial_state(value: object) -> InitialState:
    """An ``InitialState`` or its dict.

    Raises:
        UserError: anything else, or fields that do not fit.
    """
    if isinstance(value, InitialState):
        return value
    if isinstance(value, dict):
        return InitialState.from_dict(value)
    raise UserError(f"Initial state: got {type(value).__name__}, expected an InitialState or its dict.")
