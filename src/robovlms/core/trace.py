"""What a world may tell of a task as it is played, so that failures can be named; no policy and no score reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

Point = Float[np.ndarray, "3"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a task is about, known when it begins.

    ``objects`` are those it asks to be moved; one is enough where there are several. ``grasp`` tells whether that takes
    a grip round the object, ``carry`` whether it must then leave where it lies. ``goals`` are where it has to go, empty
    where the task names no place. ``done`` is what else the task names, as it should be already.
    """

    objects: frozenset[str]
    grasp: bool = False
    carry: bool = False
    goals: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """One control step of a task.

    ``tool`` is the point between the fingertips and ``objects`` where each object that can be moved is, a fixture by
    its handle (m, one frame). ``closed`` is the last command of the gripper. ``held`` is the object between the closed
    fingers; ``touched`` are those that the robot touches, and ``lit`` those whose light is on.
    """

    tool: Point
    closed: bool
    held: str | None
    touched: frozenset[str]
    objects: Mapping[str, Point]
    lit: frozenset[str] = frozenset()


@runtime_checkable
class Traced(Protocol):
    """A world that can be traced; other worlds' failures have no other name than ``timeout``."""

    def aim(self) -> Aim:
        """What the task that began last is about."""
        ...

    def moment(self) -> Moment:
        """This moment, as it is after a step."""
        ...
