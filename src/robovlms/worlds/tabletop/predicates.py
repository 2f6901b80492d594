"""What each task means: the state when the task began against the state now.

The meanings and distances are those of CALVIN's task oracle (``calvin_env/envs/tasks.py`` with its file
``new_playtable_tasks.yaml``), but for the sliding door, whose travel is shorter here. Three meanings differ, each
because a chain would otherwise ask for something that cannot happen:

* lift, push into drawer: CALVIN wants the robot off the block when the task begins. A task that follows a push begins
  with the fingers on the block and could never succeed; here the block must only not be *held*.
* unstack: CALVIN is content as soon as the blocks part, which leaves one in the gripper although its own effects table
  puts both on the table. Here the upper block must end released on the table.
"""

from collections.abc import Callable

import numpy as np

from robovlms.worlds.tabletop.geometry import euler, rotation
from robovlms.worlds.tabletop.state import Block, SceneState, Surface

Predicate = Callable[[SceneState, SceneState], bool]
"""``predicate(before, after)``: whether the task succeeded between the two states."""

ROTATE_DEG = 60.0
"""Least turn about the vertical axis, CALVIN's; clockwise seen from above is 'right'."""
ROTATE_MAX_TILT_DEG = 30.0
"""Most turn about the two other axes, CALVIN's: a toppled block is not a rotated one."""
ROTATE_MAX_SHIFT_M = 0.1
"""Farthest the block may travel while it is rotated, CALVIN's."""
PUSH_M = 0.1
"""Least sideways displacement of a push, CALVIN's; +x is 'right'."""
SLIDER_M = 0.12
"""Least travel of the sliding door. CALVIN wants 0.15 m of 0.28 m; this door has 0.17 m, of which 0.15 would leave
2 cm for where it stood before and where it stops."""
DRAWER_M = 0.12
"""Least travel of the drawer, CALVIN's (of 0.18 m here, of 0.24 m there)."""
LIFT_M = {"table": 0.05, "slider": 0.03, "drawer": 0.05}
"""Least rise of a lifted block by where it lay, CALVIN's."""

_SUPPORTED: frozenset[Surface] = frozenset({"table", "slider", "drawer", "block"})


def _turn_deg(before: Block, after: Block) -> tuple[float, float, float]:
    """Euler angles xyz (deg) of the rotation that leads from one orientation to the other."""
    turn = np.degrees(euler(rotation(after.euler) @ rotation(before.euler).T))
    return float(turn[0]), float(turn[1]), float(turn[2])


def rotated(block: str, side: str) -> Predicate:
    """The block turned about the vertical, stayed where it was and rests on something."""
    sign = 1.0 if side == "left" else -1.0

    def holds(before: SceneState, after: SceneState) -> bool:
        old, new = before.blocks[block], after.blocks[block]
        tilt_x, tilt_y, turn = _turn_deg(old, new)
        upright = max(abs(tilt_x), abs(tilt_y)) < ROTATE_MAX_TILT_DEG
        near = np.linalg.norm(new.position - old.position) <= ROTATE_MAX_SHIFT_M
        return bool(upright and near and new.surface in _SUPPORTED and sign * turn > ROTATE_DEG)

    return holds


def pushed(block: str, side: str) -> Predicate:
    """The block moved sideways and rests on what it rested on before."""
    sign = 1.0 if side == "right" else -1.0

    def holds(before: SceneState, after: SceneState) -> bool:
        old, new = before.blocks[block], after.blocks[block]
        same = old.surface in _SUPPORTED and (old.surface, old.on) == (new.surface, new.on)
        return bool(same and sign * (new.position[0] - old.position[0]) > PUSH_M)

    return holds


def moved(joint: str, least: float) -> Predicate:
    """The fixture moved along its joint by at least ``least`` (m; the sign is the direction)."""

    def holds(before: SceneState, after: SceneState) -> bool:
        travel = getattr(after, joint) - getattr(before, joint)
        return bool(travel * np.sign(least) > abs(least))

    return holds


def lifted(block: str, place: str) -> Predicate:
    """The block rested on ``place``, free of the gripper, and now hangs in the gripper, higher."""

    def holds(before: SceneState, after: SceneState) -> bool:
        old, new = before.blocks[block], after.blocks[block]
        free = before.held != block and old.surface == place
        rise = new.position[2] - old.position[2]
        return bool(free and after.held == block and new.surface == "gripper" and rise > LIFT_M[place])

    return holds


def placed(place: str) -> Predicate:
    """The block that was held rests on ``place`` and the robot has let go of it."""

    def holds(before: SceneState, after: SceneState) -> bool:
        if before.held is None or before.blocks[before.held].surface != "gripper":
            return False
        block = after.blocks[before.held]
        return block.surface == place and not block.touched and after.held != before.held

    return holds


def pushed_into_drawer(before: SceneState, after: SceneState) -> bool:
    """Some block lay on the table, not held, and now lies in the drawer, untouched."""
    return any(
        old.surface == "table" and before.held != name and new.surface == "drawer" and not new.touched
        for name, old in before.blocks.items()
        for new in (after.blocks[name],)
    )


def stacked(before: SceneState, after: SceneState) -> bool:
    """Some block was on no other block and now rests on one, released."""
    return any(
        old.surface != "block" and new.surface == "block" and not new.touched and after.held != name
        for name, old in before.blocks.items()
        for new in (after.blocks[name],)
    )


def unstacked(before: SceneState, after: SceneState) -> bool:
    """Some block rested on another and now rests on the table, released."""
    return any(
        old.surface == "block" and new.surface == "table" and after.held != name and not new.touched
        for name, old in before.blocks.items()
        for new in (after.blocks[name],)
    )


def switched(light: str, on: bool) -> Predicate:
    """The light changed to ``on``."""

    def holds(before: SceneState, after: SceneState) -> bool:
        return getattr(before, light) is not on and getattr(after, light) is on

    return holds
