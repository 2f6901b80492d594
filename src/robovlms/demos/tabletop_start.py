"""Where a demonstration on the tabletop began, as plain values that give the exact state back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.env import Snapshot


def start_of(world: Tabletop) -> dict[str, Any]:
    """The state of the physics, fixtures, lights and commands, of which JSON keeps every bit."""
    return _plain(world.snapshot().simulation)


def start_from(world: Tabletop, start: Mapping[str, Any]) -> None:
    """Put a world of the same scene into a state that ``start_of`` gave."""
    world.restore(Snapshot(_arrays(start), None, None), render=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _arrays(part) for name, part in value.items()}
    numbers = isinstance(value, list) and all(isinstance(part, float) for part in value)
    return np.array(value) if numbers else value
