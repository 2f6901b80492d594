"""CALVIN as a ``World``: scenes A to D, two cameras, 34 tasks, relative actions at 30 Hz.

Non-obvious behaviours: ``reset`` opens the simulator anew, because Bullet remembers what went before: after a reset of
calvin_env itself the same actions lead elsewhere, by millimetres after 120 steps, and after loading the scene again
still by micrometres in some episodes. For the same reason a snapshot is what was done since the reset, and ``restore``
does it again: exact, and as slow as the physics, but for a snapshot of the present moment. One world a process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from jaxtyping import Float

from robovlms.actions.calvin import RATE_HZ, RELATIVE_ACTIONS, ROBOT_STATE, SCENE_STATE
from robovlms.actions.spec import ActionSpec, Camera, ObservationSpec
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.types import Observation, Step
from robovlms.worlds.calvin.clones import find_clones
from robovlms.worlds.calvin.sentences import read_sentences
from robovlms.worlds.calvin.simulator import Renderer, close_simulator, open_oracle, open_simulator

OBSERVATIONS = ObservationSpec(
    cameras=(Camera(name="rgb_static", height=200, width=200), Camera(name="rgb_gripper", height=84, width=84)),
    state=ROBOT_STATE + SCENE_STATE,
    rate_hz=RATE_HZ,
)
"""What the reader of CALVIN's data says too."""

_SIZES = {"robot_obs": 15, "scene_obs": 24}


@dataclass(frozen=True, slots=True)
class InitialState:
    """``robot_obs`` and ``scene_obs`` to start from; None is calvin_env's own start, its blocks anywhere."""

    robot_obs: Float[np.ndarray, "15"] | None = None
    scene_obs: Float[np.ndarray, "24"] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A start, what was done since, and the task begun after how many of these actions."""

    initial_state: InitialState
    seed: int
    actions: tuple[np.ndarray, ...]
    task: str | None
    begun: int

    def is_of(self, other: "Snapshot") -> bool:
        """Whether both are of one moment."""
        names = ("seed", "task", "begun")
        starts = [(snapshot.initial_state.robot_obs, snapshot.initial_state.scene_obs) for snapshot in (self, other)]
        return (
            all(getattr(self, name) == getattr(other, name) for name in names)
            and all(np.array_equal(mine, theirs) for mine, theirs in zip(*starts, strict=True))
            and np.array_equal(self.actions, other.actions)
        )


class CALVIN:
    """calvin_env in this process; implements ``core.protocols.World``.

    Args:
        scene: 'A', 'B', 'C' or 'D'.
        calvin_env: Folder of mees/calvin_env; what ``ROBOVLMS_CALVIN_ENV`` names when None.
        renderer: 'egl' or 'tiny'.

    Raises:
        MissingExtra: pybullet or another package is not installed.
        UnknownName: No such scene or renderer.
        UserError: A clone is missing or too old, or OpenGL does not work.
    """

    def __init__(self, scene: str = "D", calvin_env: Path | str | None = None, renderer: Renderer = "egl"):
        if renderer not in get_args(Renderer):
            raise UnknownName("renderer", renderer, get_args(Renderer))
        clones = find_clones(calvin_env)
        self._sentences = read_sentences(clones.calvin)
        self._open = partial(open_simulator, clones.calvin_env, scene, renderer)
        self.simulator, self._is_new = self._open(), True
        self.oracle = open_oracle(clones.calvin_env)
        self._cameras = self.simulator.cameras
        self._start, self._seed, self._actions = InitialState(), 0, list[np.ndarray]()
        self._task, self._begun, self._before = None, 0, None

    @property
    def tasks(self) -> Sequence[str]:
        """The 34 task names."""
        return tuple(self.oracle.tasks)

    @property
    def action_spec(self) -> ActionSpec:
        """``rel_actions``: added to the pose commanded last."""
        return RELATIVE_ACTIONS

    @property
    def observation_spec(self) -> ObservationSpec:
        """Cameras 'rgb_static' and 'rgb_gripper'; the robot's 15 numbers and the scene's 24."""
        return OBSERVATIONS

    def reset(self, initial_state: InitialState | None, seed: int, render: bool = True) -> Observation:
        """Open the simulator anew, in a state; ``seed`` fixes where blocks are that the state says nothing of.

        Raises:
            UserError: The state is not of 15 and 24 finite numbers.
        """
        start = initial_state or InitialState()
        for name, values in (("robot_obs", start.robot_obs), ("scene_obs", start.scene_obs)):
            _require_numbers(f"Initial state: {name}", values, _SIZES[name])
        simulator = self._unused_simulator()
        generator = np.random.default_rng(seed)
        simulator.np_random.bit_generator.state = generator.bit_generator.state
        simulator.robot.gripper_action = 1 if start.robot_obs is None or start.robot_obs[-1] >= 0 else -1
        self._start, self._seed, self._actions = start, seed, []
        self._task, self._begun, self._before = None, 0, None
        simulator.cameras = self._cameras if render else []
        return _observation(simulator.reset(robot_obs=start.robot_obs, scene_obs=start.scene_obs))

    def begin_task(self, task: str) -> None:
        """Judge ``task`` against the state of this moment; nothing moves."""
        if task not in self.tasks:
            raise UnknownName("task", task, self.tasks)
        self._task, self._begun, self._before = task, len(self._actions), self.simulator.get_info()

    def step(self, action: np.ndarray, render: bool = True) -> Step:
        """Apply one action for a thirtieth of a second, as it is but for the gripper: below 0 closes, else opens.

        Raises:
            UserError: Not seven finite numbers.
        """
        command = np.array(action, dtype=float)
        _require_numbers("Action", command, RELATIVE_ACTIONS.dims)
        command[6] = 1.0 if command[6] >= 0 else -1.0
        self._actions.append(command)
        self.simulator.cameras = self._cameras if render else []
        found, _, _, info = self.simulator.step(command)
        return Step(observation=_observation(found), success=self._succeeded(info))

    def snapshot(self) -> Snapshot:
        """How to come to this state again, in this world or in another of the same scene."""
        return Snapshot(self._start, self._seed, tuple(self._actions), self._task, self._begun)

    def restore(self, snapshot: Snapshot, render: bool = True) -> Observation:
        """Do again what led to a snapshot, unless it is of this moment; futures are bit-identical."""
        if snapshot.is_of(self.snapshot()):
            self.simulator.cameras = self._cameras if render else []
            return _observation(self.simulator.get_obs())
        observation = self.reset(snapshot.initial_state, snapshot.seed, render and not snapshot.actions)
        for number, action in enumerate(snapshot.actions):
            if snapshot.task is not None and number == snapshot.begun:
                self.begin_task(snapshot.task)
            observation = self.step(action, render and number == len(snapshot.actions) - 1).observation
        if snapshot.task is not None and snapshot.begun == len(snapshot.actions):
            self.begin_task(snapshot.task)
        return observation

    def instructions(self, task: str, split: str) -> Sequence[str]:
        """Sentences of mees/calvin for a task: ``split`` is 'train' or 'validation'."""
        if split not in self._sentences:
            raise UnknownName("split", split, self._sentences)
        if task not in self._sentences[split]:
            raise UnknownName("task", task, self._sentences[split])
        return self._sentences[split][task]

    def close(self) -> None:
        """Disconnect the simulator."""
        close_simulator(self.simulator)

    def _unused_simulator(self) -> Any:
        if not self._is_new:
            close_simulator(self.simulator)
            self.simulator = self._open()
            self._cameras = self.simulator.cameras
        self._is_new = False
        return self.simulator

    def _succeeded(self, info: dict[str, Any]) -> bool:
        return self._task is not None and bool(self.oracle.get_task_info_for_set(self._before, info, {self._task}))


def _observation(found: dict[str, Any]) -> Observation:
    state = np.concatenate([found["robot_obs"], found["scene_obs"]])
    return Observation(
        images={name: np.ascontiguousarray(image) for name, image in found["rgb_obs"].items()}, state=state
    )


def _require_numbers(what: str, values: np.ndarray | None, count: int) -> None:
    if values is not None and (values.shape != (count,) or not np.isfinite(values).all()):
        raise UserError(f"{what}: got {values.tolist()}, expected {count} finite numbers.")
