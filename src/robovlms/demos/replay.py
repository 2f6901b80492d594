"""Playing a demonstration again in its world, from what ``info["replay"]`` keeps of its start and its gusts.

What was recorded must come again: another state means that actions, rows or units are not what was executed, or that
the simulator is another version.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float

from robovlms.core.errors import UnknownName
from robovlms.core.protocols import World
from robovlms.core.types import Episode
from robovlms.demos.gusts import push_at, pushed
from robovlms.demos.tabletop_start import start_from
from robovlms.worlds.metaworld.conventions import ACTION_SPEC, observation_spec
from robovlms.worlds.metaworld.env import MetaWorld
from robovlms.worlds.remote.process import remedy
from robovlms.worlds.remote.world import remote_world
from robovlms.worlds.tabletop import Tabletop


@dataclass(frozen=True, slots=True)
class Replayed:
    """The state before each action, and whether the task succeeded with the last."""

    state: Float[np.ndarray, "t _"]
    success: bool


def replay(episode: Episode, world_python: str | None = None) -> Replayed | None:
    """Play an episode again without images; None where it does not say how it began.

    ``world_python`` is the interpreter that has Meta-World; ours when None. The tabletop always plays here.

    Raises:
        UnknownName: It is from a world that is not here.
        MissingExtra: Its simulator is not installed.
    """
    how = episode.info.get("replay")
    if not isinstance(how, Mapping):
        return None
    if how["world"] not in STARTS:
        raise UnknownName("world of a demonstration", how["world"], STARTS)
    world, states, success = STARTS[how["world"]](how, world_python), [], False
    state = world.restore(world.snapshot(), render=False).state
    world.begin_task(episode.task)
    for row, action in enumerate(episode.actions):
        states.append(state)
        step = world.step(pushed(action, push_at(how["pushes"], row)), render=False)
        state, success = step.observation.state, step.success
    return Replayed(np.stack(states), success)


def _start_tabletop(how: Mapping[str, Any], world_python: str | None) -> World:
    world = _tabletop(how["scene"])
    start_from(world, how["start"])
    return world


def _start_metaworld(how: Mapping[str, Any], world_python: str | None) -> World:
    world = _metaworld(world_python)
    world.reset(how["initial_state"], how["seed"], render=False)
    for action in how["before"]:
        world.step(np.array(action, dtype=float), render=False)
    return world


@cache
def _tabletop(scene: str) -> Tabletop:
    return Tabletop(scene)


@cache
def _metaworld(world_python: str | None) -> World:
    if world_python is None:
        return MetaWorld()
    where = f"{MetaWorld.__module__}:{MetaWorld.__name__}"
    return remote_world(world_python, where, {}, ACTION_SPEC, observation_spec(), remedy("metaworld"))


STARTS: Mapping[str, Callable[[Mapping[str, Any], str | None], World]] = {
    "tabletop": _start_tabletop,
    "metaworld": _start_metaworld,
}
"""How the start of a demonstration is found again in each world."""
