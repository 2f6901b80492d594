"""A ``World`` whose simulator runs in another Python interpreter; what it shows and does is bit for bit the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.trace import Aim, Moment
from robovlms.core.types import Observation, Step
from robovlms.worlds.remote.process import Interpreter

ANSWER_TIMEOUT_S = 240.0
"""A world that is silent for so long hangs."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The other side's own snapshot; only that side reads it."""

    data: bytes


def remote_world(
    python: str,
    target: str,
    settings: Mapping[str, Any],
    action_spec: ActionSpec,
    observation_spec: ObservationSpec,
    remedy: str = "",
    answer_timeout_s: float = ANSWER_TIMEOUT_S,
) -> "RemoteWorld":
    """A world in another interpreter; one that can be traced there can be traced here.

    Args:
        python: The interpreter, with numpy and the simulator; nothing of ours need be installed there.
        target: ``module:callable`` of robovlms that makes the world.
        settings: Its keyword arguments.
        action_spec: What the world's actions mean. Specs are ours: no one needs pydantic over there.
        observation_spec: What its observations mean.
        remedy: How to get an interpreter that serves; ends the messages where one does not.
        answer_timeout_s: How long one answer may take.

    Raises:
        UserError: No such interpreter, one that lacks a package, or bad settings.
        WorldLost: The world cannot be built.
    """
    process = Interpreter(python, remedy, answer_timeout_s)
    tasks, traced = process.call("build", target, dict(settings))
    return (TracedRemoteWorld if traced else RemoteWorld)(process, tasks, action_spec, observation_spec)


class RemoteWorld:
    """Implements ``core.protocols.World`` by asking a process that ends with this one, or with ``close``."""

    def __init__(
        self, process: Interpreter, tasks: Sequence[str], action_spec: ActionSpec, observation_spec: ObservationSpec
    ):
        self._process, self._tasks = process, tasks
        self._action_spec, self._observation_spec = action_spec, observation_spec

    @property
    def tasks(self) -> Sequence[str]:
        """Names of the tasks it can judge."""
        return self._tasks

    @property
    def action_spec(self) -> ActionSpec:
        """The convention of the actions ``step`` takes."""
        return self._action_spec

    @property
    def observation_spec(self) -> ObservationSpec:
        """Cameras, state components and rate."""
        return self._observation_spec

    def reset(self, initial_state: Any, seed: int, render: bool = True) -> Observation:
        """Put the world into a state: plain values, arrays or a dataclass of ours."""
        return self._process.call("reset", initial_state, seed, render)

    def begin_task(self, task: str) -> None:
        """Judge ``task`` from here on."""
        self._process.call("begin_task", task)

    def step(self, action: np.ndarray, render: bool = True) -> Step:
        """Apply one action for one control step."""
        return self._process.call("step", np.ascontiguousarray(action), render)

    def snapshot(self) -> Snapshot:
        """The exact state."""
        return Snapshot(self._process.call("snapshot"))

    def restore(self, snapshot: Snapshot, render: bool = True) -> Observation:
        """Return to a snapshot, of this world or of another of the same settings."""
        return self._process.call("restore", snapshot.data, render)

    def instructions(self, task: str, split: str) -> Sequence[str]:
        """Sentences for a task."""
        return self._process.call("instructions", task, split)

    def close(self) -> None:
        """End the other process."""
        self._process.close()


class TracedRemoteWorld(RemoteWorld):
    """Implements ``core.trace.Traced`` too."""

    def aim(self) -> Aim:
        """What the task that began last is about."""
        return self._process.call("aim")

    def moment(self) -> Moment:
        """This moment."""
        return self._process.call("moment")


def ask(python: str, target: str, settings: Mapping[str, Any], remedy: str = "") -> Any:
    """What ``module:callable`` of robovlms answers in another interpreter, made of plain values and arrays.

    Raises:
        UserError: No such interpreter, one that lacks a package, or bad settings.
        WorldLost: The function raised.
    """
    process = Interpreter(python, remedy, ANSWER_TIMEOUT_S)
    try:
        return process.call("ask", target, dict(settings))
    finally:
        process.close()
