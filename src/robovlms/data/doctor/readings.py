"""Every way to understand the pose part of an action, and the motion each would ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

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
    turned = orientation_of(data.observation_spec)
    absolute = component.kind == "position"
    asked: dict[str, list[Vectors]] = {BASE: [], GOAL: []} | ({TOOL: []} if turned else {})
    seen = []
    for actions, state in _numbers(data, component):
        position = _columns(data, state, place.name)
        seen.append(np.diff(position, axis=0))
        asked[BASE].append(actions[:-1] * component.scale)
        # The scale of a delta says nothing about positions, which would be in metres.
        asked[GOAL].append(actions[:-1] * (component.scale if absolute else 1.0) - position[:-1])
        if turned and turned.rotation:
            matrix = to_matrix(_columns(data, state, turned.name), turned.rotation)[:-1]
            asked[TOOL].append((matrix @ asked[BASE][-1][..., None])[..., 0])
    declared = GOAL if absolute else TOOL if component.frame == "tcp" else BASE
    motions = {name: Motion(parts, seen) for name, parts in asked.items()}
    found = Readings(component, declared, motions) if declared in motions else None
    return found if found and found.enough(LEAST_M) else None


def rotation_readings(data: Examined, kind: Rotation | None = None) -> Readings | None:
    """How the rotation part may be meant, with the state's orientation read as ``kind`` (as declared when None)."""
    component, turned = action_of(data.action_spec, "delta_rotation", "rotation"), orientation_of(data.observation_spec)
    if component is None or turned is None or turned.rotation is None or component.rotation is None:
        return None
    absolute = component.kind == "rotation"
    asked: dict[str, list[Vectors]] = {}
    seen = []
    for actions, state in _numbers(data, component):
        matrix = to_matrix(_columns(data, state, turned.name), kind or turned.rotation)
        seen.append(_turn(matrix[:-1], matrix[1:]))
        for name, ask in _TURNS.items():
            if component.dims == 3 or name == ORIENTATION:
                scaled = actions[:-1] * (1.0 if name == ORIENTATION and not absolute else component.scale)
                asked.setdefault(name, []).append(ask(scaled, matrix[:-1], component.rotation))
    motions = {name: Motion(parts, seen) for name, parts in asked.items()}
    declared = [name for name in _declared_turns(component) if name in motions]
    found = Readings(component, max(declared, key=lambda n: motions[n].agreement()), motions) if declared else None
    return found if found and found.enough(LEAST_RAD) else None


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
    ORIENTATION: lambda numbers, matrix, kind: _turn(matrix, to_matrix(numbers, kind)),
}


def _numbers(data: Examined, component: ActionComponent) -> list[tuple[np.ndarray, np.ndarray]]:
    """The component's columns of the actions, and the state, of every episode with a step to see."""
    at = data.action_spec.slice_of(component.name)
    both = [(one.actions[:, at].astype(np.float64), one.state.astype(np.float64)) for one in data.recordings]
    return [(a, s) for a, s in both if len(s) > 1 and np.isfinite(a).all() and np.isfinite(s).all()]


def _columns(data: Examined, state: np.ndarray, name: str) -> np.ndarray:
    return state[:, data.observation_spec.columns([name])]
