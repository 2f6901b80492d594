"""Every way to understand the pose part of an action, and the motion each would ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
from jaxtyping import Float

from robovlms.actions.spec import ActionComponent
from robovlms.core.geometry import WIDTHS, Rotation, from_matrix, to_matrix
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.pose import Motion, Vectors, action_of, orientation_of, position_of

BASE, TOOL, GOAL = "changes along the base's axes", "changes along the tool's axes", "absolute positions"
EULER, TURN_BASE = "changes of Euler angles", "turns about the base's axes"
TURN_TOOL, ORIENTATION = "turns about the tool's axes", "absolute orientations"
LEAST_STRETCHES = 30
"""Fewer stretches of motion say nothing."""
LEAST_M, LEAST_RAD = 0.002, 0.01
"""Root mean square motion over a stretch (m, rad) below which nothing is said: the robot did not move in this way."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The motions that different readings of one action component ask for; ``declared`` is what its spec says."""

    component: ActionComponent
    declared: str
    motions: Mapping[str, Motion]

    @property
    def motion(self) -> Motion:
        """By the declared reading."""
        return self.motions[self.declared]

    def enough(self, least: float) -> bool:
        """Whether there was motion of at least ``least`` (rms over a stretch) to tell readings apart."""
        _, seen = self.motion.over(3)
        return len(seen) >= LEAST_STRETCHES and float(np.sqrt((seen**2).sum(1).mean())) > least


def position_readings(data: Examined) -> Readings | None:
    """How the position part may be meant; None where there is none, or no position in the state, or no motion."""
    component, place = action_of(data.action_spec, "delta_position", "position"), position_of(data.observation_spec)
    if component is None or place is None or component.dims != 3:
        return None
    steps, turned = _steps(data, component), orientation_of(data.observation_spec)
    absolute = component.kind == "position"
    here, there = steps.column(data, place.name)
    change = steps.actions * _a_step(component, data)
    # The scale of a delta says nothing about positions, which would be in metres.
    asked = {BASE: change, GOAL: (change if absolute else steps.actions) - here}
    if turned and turned.rotation:
        asked[TOOL] = (to_matrix(steps.column(data, turned.name)[0], turned.rotation) @ change[..., None])[..., 0]
    declared = GOAL if absolute else TOOL if component.frame == "tcp" else BASE
    return _readings(component, (declared,), asked, there - here, steps, LEAST_M)


def rotation_readings(data: Examined, kind: Rotation | None = None) -> Readings | None:
    """How the rotation part may be meant, with the state's orientation read as ``kind`` (as declared when None)."""
    component, turned = action_of(data.action_spec, "delta_rotation", "rotation"), orientation_of(data.observation_spec)
    if component is None or turned is None or turned.rotation is None or component.rotation is None:
        return None
    steps = _steps(data, component)
    here, there = (to_matrix(side, kind or turned.rotation) for side in steps.column(data, turned.name))
    change = steps.actions * _a_step(component, data)
    turns = {} if component.dims != 3 else {name: ask(change, here, component.rotation) for name, ask in _TURNS.items()}
    goal = change if component.kind == "rotation" else steps.actions
    asked = turns | {ORIENTATION: _turn(here, to_matrix(goal, component.rotation))}
    return _readings(component, _declared_turns(component), asked, _turn(here, there), steps, LEAST_RAD)


def same_width(kind: Rotation) -> list[Rotation]:
    """Other representations with as many numbers."""
    return [other for other in get_args(Rotation) if WIDTHS[other] == WIDTHS[kind] and other != kind]


def _declared_turns(component: ActionComponent) -> tuple[str, ...]:
    """What the spec says; deltas in Euler angles may be added to the angles or turn about the base's axes."""
    if component.kind == "rotation":
        return (ORIENTATION,)
    if component.frame == "tcp":
        return (TURN_TOOL,)
    return (TURN_BASE,) if component.rotation == "axis_angle" else (EULER, TURN_BASE)


def _a_step(component: ActionComponent, data: Examined) -> float:
    """What a unit asks for in one control step (m, rad); velocities last as long as a step does."""
    return component.scale / (data.action_spec.rate_hz if component.unit.endswith("/s") else 1.0)


def _turn(before: np.ndarray, after: np.ndarray) -> Vectors:
    """The turn from one orientation to another, as an axis-angle about the base's axes."""
    return from_matrix(after @ before.swapaxes(-1, -2), "axis_angle")


def _added(angles: np.ndarray, matrix: np.ndarray, kind: Rotation) -> Vectors:
    order: Rotation = kind if kind.startswith("euler") else "euler_xyz"
    return _turn(matrix, to_matrix(from_matrix(matrix, order) + angles, order))


_TURNS: Mapping[str, Callable[[np.ndarray, np.ndarray, Rotation], Vectors]] = {
    EULER: _added,
    TURN_BASE: lambda angles, _, __: angles,
    TURN_TOOL: lambda angles, matrix, _: (matrix @ angles[..., None])[..., 0],
}


@dataclass(frozen=True, slots=True)
class _Steps:
    """All control steps: a component's actions, the state before and after, and where episodes begin."""

    actions: Float[np.ndarray, "n _"]
    before: Float[np.ndarray, "n d"]
    after: Float[np.ndarray, "n d"]
    cuts: list[int]

    def column(self, data: Examined, name: str) -> tuple[np.ndarray, np.ndarray]:
        """A component of the state before and after."""
        at = data.observation_spec.columns([name])
        return self.before[:, at], self.after[:, at]


def _steps(data: Examined, component: ActionComponent) -> _Steps:
    """Of every episode whose numbers are finite."""
    at, dims = data.action_spec.slice_of(component.name), data.observation_spec.state_dims
    good = [one for one in data.recordings if np.isfinite(one.state).all() and np.isfinite(one.actions).all()]
    empty = np.zeros((0, dims))
    return _Steps(
        np.concatenate([np.zeros((0, component.dims)), *(one.actions[:-1, at] for one in good)]),
        np.concatenate([empty, *(one.state[:-1] for one in good)]),
        np.concatenate([empty, *(one.state[1:] for one in good)]),
        np.cumsum([len(one.state) - 1 for one in good])[:-1].tolist(),
    )


def _readings(
    component: ActionComponent,
    declared: tuple[str, ...],
    asked: Mapping[str, Vectors],
    seen: Vectors,
    steps: _Steps,
    least: float,
) -> Readings | None:
    """The readings, the declared one being the best of those that the spec may mean; None without enough motion."""
    per_episode = np.split(seen, steps.cuts)
    motions = {name: Motion(np.split(part, steps.cuts), per_episode) for name, part in asked.items()}
    known = [name for name in declared if name in motions]
    if not known:
        return None
    found = Readings(component, max(known, key=lambda name: motions[name].agreement()), motions)
    return found if found.enough(least) else None
