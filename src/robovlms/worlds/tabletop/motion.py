"""How experts move: servo the tool to waypoints through the world's own actions, reading the live pose.

A motion is a generator of actions; whoever runs it steps the world between two of them. Every waypoint is clipped to
the workspace: an expert that presses against a limit teaches a policy to stall there.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from robovlms.worlds.tabletop.conventions import POSITION_SCALE_M, ROTATION_SCALE_RAD
from robovlms.worlds.tabletop.env import Tabletop
from robovlms.worlds.tabletop.geometry import WORKSPACE_HIGH, WORKSPACE_LOW, YAW_LIMIT

Motion = Iterator[Float[np.ndarray, "7"]]
Point = Float[np.ndarray, "3"]
Goal = Point | Callable[[], Point]
"""A tool position (m), or a function of the live world that gives it."""

OPEN, CLOSED = 1.0, -1.0
TRAVEL_Z = 0.16
"""Height at which the tool, even with a block in it, passes over everything."""
_CLEAR_Z = 0.14
_MAX_RISE_STEPS = 15
_FUNNEL_M = 0.02
_STUCK_M, _STUCK_STEPS = 0.002, 3
_YAW_TOLERANCE = 0.08
_NEAR_XY = 0.06
"""Within this the tool goes to its goal through the funnel, without rising first: what an expert does should follow
from where things are, not from when it began."""


def go(
    world: Tabletop, goal: Goal, grip: float, yaw: float = 0.0, tolerance: float = 0.008, max_steps: int = 30
) -> Motion:
    """Move in a straight line until within ``tolerance`` (m) of the goal, or for ``max_steps``, or until stuck."""
    stuck, last = 0, world.simulation.pose[:3]
    for _ in range(max_steps):
        pose = world.simulation.pose
        wanted = goal if isinstance(goal, np.ndarray) else goal()
        away = np.clip(wanted, WORKSPACE_LOW, WORKSPACE_HIGH) - pose[:3]
        turn = np.array([0.0, 0.0, np.clip(yaw, -YAW_LIMIT, YAW_LIMIT)]) - pose[3:]
        far = np.linalg.norm(away) > tolerance
        if not far and np.abs(turn).max() < _YAW_TOLERANCE:
            return
        stuck = stuck + 1 if far and np.linalg.norm(pose[:3] - last) < _STUCK_M else 0
        if stuck > _STUCK_STEPS:
            return
        last = pose[:3]
        yield action(away, turn, grip)


def action(away: Point, turn: Point, grip: float) -> Float[np.ndarray, "7"]:
    """The action that covers a displacement (m) and a turn (rad), or as much of them as one step allows."""
    step = away / POSITION_SCALE_M
    step = step / max(1.0, float(np.abs(step).max()))
    return np.concatenate([step, np.clip(turn / ROTATION_SCALE_RAD, -1.0, 1.0), [grip]])


def over(world: Tabletop, point: Point, grip: float, yaw: float = 0.0, tolerance: float = 0.012) -> Motion:
    """Rise as the fingers are, then travel to above ``point``; only there may they open or close."""
    beside = np.linalg.norm(world.simulation.pose[:2] - point[:2]) > _NEAR_XY
    if beside or grip != world.simulation.grip:
        yield from rise(world)
        yield from go(world, at_height(point, TRAVEL_Z), grip, yaw, tolerance)


def reach(world: Tabletop, point: Point, grip: float, yaw: float = 0.0, tolerance: float = 0.008) -> Motion:
    """Travel to above ``point``, then go down to it, inside a funnel: a tool knocked aside rises again."""
    yield from over(world, point, grip, yaw)

    def funnel() -> Point:
        aside = float(np.linalg.norm(world.simulation.pose[:2] - point[:2])) - _FUNNEL_M
        return at_height(point, min(point[2] + 4.0 * max(0.0, aside), max(point[2], TRAVEL_Z)))

    yield from go(world, funnel, grip, yaw, tolerance)


def rise(world: Tabletop) -> Motion:
    """Go straight up, fingers as they are, until clear of everything."""
    start, grip = world.simulation.pose, world.simulation.grip
    top = at_height(start[:3], TRAVEL_Z + 0.02)
    for _ in range(_MAX_RISE_STEPS):
        pose = world.simulation.pose
        if pose[2] > _CLEAR_Z:
            return
        upright = np.array([0.0, 0.0, start[5]]) - pose[3:]
        yield action(top - pose[:3], upright, grip)


def fingers(world: Tabletop, grip: float, max_steps: int = 5) -> Motion:
    """Open or close in place until the fingers stop moving."""
    for _ in range(max_steps):
        width = world.simulation.width
        yield np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, grip])
        if abs(world.simulation.width - width) < 0.0015:
            return


def at_height(point: Point, z: float) -> Point:
    """The point above or below ``point`` at height ``z``."""
    return np.array([point[0], point[1], z])


def raised(point: Point, height: float) -> Point:
    """The point ``height`` above ``point``."""
    return np.array([point[0], point[1], point[2] + height])
