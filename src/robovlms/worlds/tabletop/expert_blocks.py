"""Experts for the blocks: lift, rotate, push, place, stack, unstack."""

import numpy as np

from robovlms.worlds.tabletop.env import Tabletop
from robovlms.worlds.tabletop.geometry import (
    CABINET_FLOOR,
    COMPARTMENT,
    DOOR_TRAVEL,
    DRAWER_CENTRE,
    DRAWER_FLOOR,
    TABLE_FRONT,
    YAW_LIMIT,
    rotation,
)
from robovlms.worlds.tabletop.motion import (
    CLOSED,
    OPEN,
    Motion,
    Point,
    at_height,
    fingers,
    go,
    over,
    raised,
    reach,
    rise,
)
from robovlms.worlds.tabletop.placing import BLOCK_ZONE
from robovlms.worlds.tabletop.sensing import PINCHED_M
from robovlms.worlds.tabletop.state import BLOCKS, Block

_PEG_HALF = np.array([0.0155, 0.013])
_ROTATE_RAD = np.radians(72.0)
_PUSH_M = 0.13
_NUDGE_M = 0.05
_PUSH_Z = 0.022
_LOWEST_ON_TABLE = 0.019
"""The fingers reach 15 mm below the tool point."""


def grasp_yaw(world: Tabletop, name: str) -> float:
    """Yaw in (-pi/2, pi/2] at which the fingers close across the shorter level side of a block."""
    turn = rotation(world.state().blocks[name].euler)
    upright = int(np.abs(turn[2]).argmax())
    level = min(
        (axis for axis in range(3) if axis != upright), key=lambda axis: world.simulation.block_half[name][axis]
    )
    return _half_turn(float(np.arctan2(turn[1, level], turn[0, level])))


def half_extent(world: Tabletop, name: str, axis: int) -> float:
    """Half the size of a block along a world axis (m)."""
    return float(np.abs(rotation(world.state().blocks[name].euler)[axis]) @ world.simulation.block_half[name])


def grasp(world: Tabletop, name: str, yaw: float | None = None) -> Motion:
    """Open, go down over a block, close; a second time across its longer side if that caught nothing."""
    first = grasp_yaw(world, name) if yaw is None else yaw
    for attempt in (first, _half_turn(first + np.pi / 2)):
        point = world.state().blocks[name].position
        if world.state().blocks[name].surface == "table":
            point = at_height(point, max(point[2], _LOWEST_ON_TABLE))
        yield from reach(world, point, OPEN, attempt, tolerance=0.006)
        yield from fingers(world, CLOSED)
        if pinches(world, name):
            return
        yield from fingers(world, OPEN)


def pinches(world: Tabletop, name: str) -> bool:
    """Whether the closed fingers have the block between them."""
    return world.simulation.width > PINCHED_M and world.state().blocks[name].touched


def lift(world: Tabletop, name: str) -> Motion:
    """Grasp a block and raise it."""
    yield from grasp(world, name)
    yield from rise(world)


def rotate(world: Tabletop, name: str, side: str, begin: Block) -> Motion:
    """Grasp a block and turn it from how it stood at the ``begin``; left is counterclockwise from above."""
    aim = begin.euler[2] + (_ROTATE_RAD if side == "left" else -_ROTATE_RAD)
    turn = _wrapped(aim - world.state().blocks[name].euler[2])
    yaw = grasp_yaw(world, name)
    options = [yaw + k * np.pi for k in (-1, 0, 1)]
    yaw = min(options, key=lambda start: max(abs(start), abs(start + turn) * YAW_LIMIT / (YAW_LIMIT - 0.2)))
    yield from grasp(world, name, yaw)
    # The pose it had, unless it was knocked too far to count as turned on the spot.
    spot = at_height(begin.position, world.simulation.pose[2])
    there = np.linalg.norm(spot - world.simulation.pose[:3]) < _NUDGE_M
    spot = world.simulation.pose[:3] if there else spot
    yield from go(world, spot, CLOSED, world.simulation.pose[5] + turn, tolerance=0.02, max_steps=15)
    yield from fingers(world, OPEN)


def push(world: Tabletop, name: str, side: str, begin: Block) -> Motion:
    """Push a block sideways, away from where it was at the ``begin``, with the closed fingers."""
    sign = 1.0 if side == "right" else -1.0
    yield from push_to_x(world, name, begin.position[0] + sign * _PUSH_M)


def push_to_x(world: Tabletop, name: str, target: float) -> Motion:
    """Push a block along x until its centre is at ``target`` (m)."""
    block = world.state().blocks[name].position
    sign = np.sign(target - block[0])
    behind = half_extent(world, name, 0) + _PEG_HALF[0]
    start = np.array([block[0] - sign * (behind + 0.012), block[1], _PUSH_Z])
    yield from reach(world, start, CLOSED)

    def follow() -> Point:
        now = world.state().blocks[name].position
        contact = half_extent(world, name, 0) + _PEG_HALF[0]
        return np.array([target - sign * contact, now[1], _PUSH_Z])

    yield from go(world, follow, CLOSED, tolerance=0.004, max_steps=25)


def push_into_drawer(world: Tabletop) -> Motion:
    """Push a block on the table until it is in front of the open drawer, then over the edge."""
    tool, state = world.simulation.pose[:2], world.state()
    on_table = [name for name in BLOCKS if state.blocks[name].surface == "table"]
    if not on_table:
        return
    name = min(on_table, key=lambda block: float(np.linalg.norm(state.blocks[block].position[:2] - tool)))
    drawer_x = world.fixtures()["drawer"][0]
    if abs(state.blocks[name].position[0] - drawer_x) > 0.04:
        yield from push_to_x(world, name, drawer_x)
        yield from rise(world)
    block = world.state().blocks[name].position
    behind = half_extent(world, name, 1) + _PEG_HALF[1] + 0.012
    yield from reach(world, np.array([block[0], block[1] + behind, _PUSH_Z]), CLOSED)

    def follow() -> Point:
        now = world.state().blocks[name].position
        return np.array([now[0], TABLE_FRONT - 0.01, _PUSH_Z])

    yield from go(world, follow, CLOSED, tolerance=0.004, max_steps=25)
    yield from rise(world)


def place_in_drawer(world: Tabletop, name: str) -> Motion:
    """Lower a block into the open drawer and let go."""
    x, y, _ = world.fixtures()["drawer"]
    yield from put(world, name, np.array([x, y + 0.038 + DRAWER_CENTRE, DRAWER_FLOOR]))


def place_in_slider(world: Tabletop, name: str) -> Motion:
    """Lower a block into the compartment that the door leaves open and let go."""
    x, y, _ = world.simulation.model.body("cabinet").pos
    side = 1.0 if world.state().slider > DOOR_TRAVEL / 2 else -1.0
    yield from put(world, name, np.array([x + side * COMPARTMENT, y, CABINET_FLOOR]))


def put(world: Tabletop, name: str, spot: Point, yaw: float = 0.0) -> Motion:
    """Bring the underside of a block to ``spot``, let go, and back off; one that was dropped is picked up again."""
    if world.state().held != name:
        yield from lift(world, name)
    yield from over(world, spot, CLOSED, yaw)
    below = world.simulation.pose[:3] - world.state().blocks[name].position
    yield from reach(world, raised(spot + below, half_extent(world, name, 2) + 0.004), CLOSED, yaw, tolerance=0.006)
    yield from fingers(world, OPEN)
    yield from rise(world)


def stack(world: Tabletop, name: str) -> Motion:
    """Put a block on the nearest block on the table, sides aligned."""
    state = world.state()
    bases = [other for other in BLOCKS if other != name and state.blocks[other].surface == "table"]
    if not bases:
        return
    base = min(bases, key=lambda other: float(np.linalg.norm(state.blocks[other].position[:2] - state.tcp[:2])))
    top = raised(state.blocks[base].position, half_extent(world, base, 2))
    yield from put(world, name, top, grasp_yaw(world, base))


def unstack(world: Tabletop) -> Motion:
    """Lift the upper block of a stack and put it down beside."""
    stacked = [name for name in BLOCKS if world.state().blocks[name].surface == "block"]
    if stacked:
        yield from lift(world, stacked[0])
        yield from put(world, stacked[0], free_spot(world, stacked[0]), float(world.simulation.pose[5]))


def free_spot(world: Tabletop, name: str) -> Point:
    """The spot on the table nearest to the tool that is well away from everything loose but ``name``."""
    state = world.state()
    others = [block.position[:2] for other, block in state.blocks.items() if other != name]
    others += [world.simulation.free(other)[:2] for other in world.simulation.distractors]
    xs, ys = (np.linspace(*BLOCK_ZONE[:, axis], count) for axis, count in ((0, 9), (1, 4)))
    spots = np.array([(x, y, 0.0) for x in xs for y in ys])
    room = np.array([min(float(np.linalg.norm(spot[:2] - other)) for other in others) for spot in spots])
    distance = np.linalg.norm(spots[:, :2] - state.tcp[:2], axis=1)
    return spots[int(np.where(room > 0.12, distance, 10.0 - room).argmin())]


def let_go(world: Tabletop) -> Motion:
    """Release whatever is between the fingers; a block in the air is put down on the table first."""
    held = world.state().held
    if held is not None:
        yield from put(world, held, free_spot(world, held), float(world.simulation.pose[5]))
    elif world.simulation.grip < 0 and world.simulation.width > PINCHED_M:
        yield from fingers(world, OPEN)


def _wrapped(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _half_turn(yaw: float) -> float:
    return float((yaw + np.pi / 2) % np.pi - np.pi / 2)
