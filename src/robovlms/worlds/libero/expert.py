"""A scripted expert for goals of the form "this on that" and "this in that", which reads the simulator's state.

It proves that tasks can be solved through the seven numbers of an action, and that their success is noticed. It is no
teacher: it knows no drawer, no door, no obstacle and no second try.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from robovlms.worlds.libero.env import Libero
from robovlms.worlds.libero.simulator import Simulator

OPEN, CLOSE = -1.0, 1.0
CARRY_M = 0.25
"""Height above where it lay (m) at which an object is carried, or more where its goal is high."""
WIDEST_M = 0.07
"""What the fingers can hold across; of wider things they take the rim."""
_DEPTH_M, _NEAR_M, _PATIENCE = 0.03, 0.008, 60

Point = Float[np.ndarray, "3"]


class Expert:
    """Carries the objects of the current task's goal to their places, one after the other.

    Args:
        world: In an initial state; the expert steps it.
    """

    def __init__(self, world: Libero):
        self._world, self._simulator = world, world.simulator

    def solve(self, max_steps: int) -> int | None:
        """Act until the task succeeds: the number of control steps, or None where it did not."""
        for number, action in enumerate(self._actions(), 1):
            if self._world.step(action, render=False).success:
                return number
            if number == max_steps:
                return None
        return None

    def _actions(self) -> Iterator[np.ndarray]:
        for _, thing, *places in self._simulator.env.parsed_problem["goal_state"]:
            for place in places:
                yield from self._carry(thing, place)

    def _carry(self, thing: str, place: str) -> Iterator[np.ndarray]:
        shape = vertices(self._simulator, thing)
        grasp, yaw = grasp_of(shape)
        goal, bottom = self._position(place), shape[:, 2].min()
        high = np.array([0, 0, max(bottom + CARRY_M, goal[2] + grasp[2] - bottom + 0.1)])
        yield from self._move(grasp * [1, 1, 0] + high, yaw, OPEN)
        yield from self._move(grasp, yaw, OPEN)
        yield from self._rest(CLOSE, 12)
        held = self._tool() - self._position(thing)
        yield from self._move(grasp * [1, 1, 0] + high, yaw, CLOSE)
        yield from self._move((goal + held) * [1, 1, 0] + high, yaw, CLOSE)
        below = self._position(thing)[2] - vertices(self._simulator, thing)[:, 2].min()
        yield from self._move(goal + held + [0, 0, below + 0.02], yaw, CLOSE)
        yield from self._rest(OPEN, 10)
        yield from self._move(self._tool() + np.array([0, 0, 0.1]), yaw, OPEN)
        yield from self._rest(OPEN, 10)

    def _move(self, target: Point, yaw: float, grip: float) -> Iterator[np.ndarray]:
        for _ in range(_PATIENCE):
            off, turn = target - self._tool(), _wrapped(yaw - self._yaw())
            if np.linalg.norm(off) < _NEAR_M and abs(turn) < 0.1:
                return
            yield np.concatenate([np.clip(off * 12, -1, 1), [0, 0, np.clip(turn, -0.5, 0.5)], [grip]])

    def _rest(self, grip: float, steps: int) -> Iterator[np.ndarray]:
        for _ in range(steps):
            yield np.array([0, 0, 0, 0, 0, 0, grip])

    def _tool(self) -> Point:
        robot = self._simulator.env.robots[0]
        return np.array(self._simulator.data.site_xpos[robot.eef_site_id])

    def _yaw(self) -> float:
        """Direction in which the fingers close, seen from above (rad)."""
        left, right = (self._simulator.data.body(f"gripper0_{side}finger").xpos for side in ("left", "right"))
        return float(np.arctan2(left[1] - right[1], left[0] - right[0]))

    def _position(self, name: str) -> Point:
        return np.array(self._simulator.env.object_states_dict[name].get_geom_state()["pos"])


def vertices(simulator: Simulator, name: str) -> Float[np.ndarray, "n 3"]:
    """Corners of all collision shapes of an object, in the world (m)."""
    model, data = simulator.model, simulator.data
    root = simulator.env.obj_body_id[name]
    inside = [body for body in range(model.nbody) if model.body_rootid[body] == model.body_rootid[root]]
    geoms = [geom for geom in range(model.ngeom) if model.geom_bodyid[geom] in inside and model.geom_contype[geom]]
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    boxes = [model.geom_aabb[geom, :3] + corners * model.geom_aabb[geom, 3:] for geom in geoms]
    turned = [
        box @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        for geom, box in zip(geoms, boxes, strict=True)
    ]
    return np.concatenate(turned)


def grasp_of(shape: Float[np.ndarray, "n 3"]) -> tuple[Point, float]:
    """Where to grasp, and along which direction to close (rad): across the narrowest side; of what is wide, the rim."""
    top, middle = shape[:, 2].max(), (shape.max(0) + shape.min(0)) / 2
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    widths = [np.ptp(shape[:, :2] @ [np.cos(angle), np.sin(angle)]) for angle in angles]
    best = int(np.argmin(widths))
    depth = min(_DEPTH_M, (top - shape[:, 2].min()) * 0.6)
    if widths[best] < WIDEST_M:
        return np.array([middle[0], middle[1], top - depth]), float(angles[best])
    rim = middle[1] + np.ptp(shape[:, 1]) / 2 - 0.005
    return np.array([middle[0], rim, top - depth]), np.pi / 2


def _wrapped(angle: float) -> float:
    """The same direction of closing, less than a quarter turn away."""
    return float((angle + np.pi / 2) % np.pi - np.pi / 2)
