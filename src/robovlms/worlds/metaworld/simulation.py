"""One task's environment of the package, with everything its future depends on in reach."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from robovlms.worlds.gl import import_mujoco
from robovlms.worlds.metaworld.package import load, unwarned

_MOVED = ("body_pos", "site_pos")
"""What a reset moves in the model itself: fixtures and the marks of goals."""


@dataclass(frozen=True, slots=True)
class Saved:
    """State of the physics, what resets moved in the model, what the environment keeps, and what it said last."""

    physics: Float[np.ndarray, " s"]
    moved: tuple[np.ndarray, ...]
    kept: dict[str, Any]
    seen: Float[np.ndarray, "39"]


class Simulation:
    """The environment of a task.

    ``seen`` is the package's own observation, which also tells where objects and the goal are: for experts only.

    Non-obvious behaviour: the package's reset depends on what went before it; here every reset begins from the same
    state, so that an episode is a function of task, seed and actions.
    """

    def __init__(self, task: str):
        self.mujoco = import_mujoco()
        environments = load("metaworld.env_dict").ALL_V3_ENVIRONMENTS
        with unwarned():
            self.env = environments[task]()
        self.env.max_path_length = sys.maxsize  # whoever plays counts the steps
        self.env._partially_observable = False
        self.env._set_task_called = self.env.seeded_rand_vec = True
        self.env._freeze_rand_vec = False
        del self.env.sawyer_observation_space  # computed again, with the goal
        self.model, self.data = self.env.model, self.env.data
        self._kind = int(self.mujoco.mjtState.mjSTATE_INTEGRATION)
        self._begin(0)
        self._pristine = self.save()

    def reset(self, seed: int) -> None:
        """Draw the places of objects and goal from ``seed``."""
        self.load(self._pristine)
        self._begin(seed)

    def step(self, action: Float[np.ndarray, "4"]) -> bool:
        """Play one control step; whether the package calls it a success."""
        with unwarned():
            self.seen, _, _, _, info = self.env.step(action)
        return bool(info["success"])

    @property
    def hand(self) -> Float[np.ndarray, "4"]:
        """Position of the hand and distance of its fingers (m)."""
        right, left = (self.data.body(name).xpos for name in ("rightclaw", "leftclaw"))
        return np.array([*self.data.body("hand").xpos, np.linalg.norm(right - left)])

    def save(self) -> Saved:
        """Everything the future depends on."""
        moved = tuple(getattr(self.model, name).copy() for name in _MOVED)
        kept = {name: _copy(value) for name, value in vars(self.env).items() if _is_plain(value)}
        return Saved(self._physics(), moved, kept, self.seen.copy())

    def load(self, saved: Saved) -> None:
        """Return to a saved state."""
        for name, values in zip(_MOVED, saved.moved, strict=True):
            getattr(self.model, name)[:] = values
        vars(self.env).update({name: _copy(value) for name, value in saved.kept.items()})
        self.seen = saved.seen.copy()
        self._settle(saved.physics)

    def _begin(self, seed: int) -> None:
        with unwarned():
            self.env.seed(seed)
            self.seen, _ = self.env.reset()
        self._settle(self._physics())

    def _physics(self) -> Float[np.ndarray, " s"]:
        state = np.empty(self.mujoco.mj_stateSize(self.model, self._kind))
        self.mujoco.mj_getState(self.model, self.data, state, self._kind)
        return state

    def _settle(self, physics: Float[np.ndarray, " s"]) -> None:
        """Put the physics into a state, and bring poses and contacts up to date with it."""
        self.mujoco.mj_setState(self.model, self.data, physics, self._kind)
        self.mujoco.mj_forward(self.model, self.data)
        self.mujoco.mj_setState(self.model, self.data, physics, self._kind)  # the solver's first guess has changed


def _is_plain(value: Any) -> bool:
    """Whether a value stands for itself; a window on MuJoCo's memory, a space or a generator does not."""
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        return value.base is None
    if isinstance(value, dict | list | tuple):
        return all(map(_is_plain, value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_copy, value))
    return value.copy() if isinstance(value, np.ndarray) else value
