"""LIBERO as a ``World``: one suite, its tasks, its fixed initial states."""

import gc
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from robovlms.core.errors import UnknownName, UserError
from robovlms.core.trace import Aim, Moment
from robovlms.core.types import Observation, Step
from robovlms.worlds.libero.cameras import Cameras, Look
from robovlms.worlds.libero.catalog import Task, suite_tasks
from robovlms.worlds.libero.sensing import Sensing
from robovlms.worlds.libero.simulator import Saved, Simulator

if TYPE_CHECKING:
    from robovlms.actions.spec import ActionSpec, ObservationSpec

ACTION_DIMS = 7


@dataclass(frozen=True, slots=True)
class InitialState:
    """A task of the suite and the number of one of its fixed initial states, from 0."""

    task: str
    number: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The task whose scene it is, whether it is judged, whether the gripper was told to close, the exact state."""

    scene: str
    begun: bool
    closed: bool
    saved: Saved


class Libero:
    """A suite of LIBERO in this process; implements ``core.protocols.World``.

    An initial state belongs to one task, whose scene has no other: ``begin_task`` takes this task only.

    Args:
        suite: Name of a suite, such as 'libero_spatial'.
        image_size: Side of the square images, in pixels.
        look: 'full' or 'plain' images; see ``cameras``.
        most_open: Tasks kept open at once. Each takes 0.8 GB; to open another takes seconds.

    Raises:
        UnknownName: No such suite or look.
        UserError: The package is not installed.
    """

    def __init__(self, suite: str = "libero_spatial", image_size: int = 224, look: Look = "full", most_open: int = 2):
        if look not in get_args(Look):
            raise UnknownName("look", look, get_args(Look))
        self._tasks, self._size, self._look = suite_tasks(suite), image_size, look
        self._open: OrderedDict[str, tuple[Simulator, Cameras, Sensing]] = OrderedDict()
        self._most_open = most_open
        self._scene, self._begun, self._closed = "", False, False

    @property
    def tasks(self) -> Sequence[str]:
        """The suite's tasks, in the package's order."""
        return tuple(self._tasks)

    @property
    def action_spec(self) -> "ActionSpec":
        """Seven numbers in [-1, 1] at 20 Hz; the gripper opens at -1."""
        from robovlms.worlds.libero.conventions import ACTION_SPEC

        return ACTION_SPEC

    @property
    def observation_spec(self) -> "ObservationSpec":
        """Two cameras under two names each, 8-D state."""
        from robovlms.worlds.libero.conventions import observation_spec

        return observation_spec(self._size)

    @property
    def simulator(self) -> Simulator:
        """The scene of the last reset or restore: for experts and tests."""
        return self._open[self._scene][0]

    def reset(self, initial_state: InitialState | Mapping[str, Any], seed: int, render: bool = True) -> Observation:
        """Put a task's scene into one of its initial states; ``seed`` places the fixtures, which the state lacks.

        Raises:
            UnknownName: No such task.
            UserError: No such number.
        """
        start = InitialState(**initial_state) if isinstance(initial_state, Mapping) else initial_state
        states = self._task(start.task).states
        if not 0 <= start.number < len(states):
            raise UserError(f"Initial state {start.number} of '{start.task}': expected 0 to {len(states) - 1}.")
        self._enter(start.task)
        self._begun = self._closed = False
        return self.simulator.reset(states[start.number], seed, self._observer(render))

    def begin_task(self, task: str) -> None:
        """Judge the task of the initial state from here on; nothing moves."""
        self._task(task)
        if task != self._scene:
            raise UserError(
                f"Got the task '{task}' in the scene of '{self._scene or 'none'}'. Reset into its own first."
            )
        self._begun = True

    def step(self, action: np.ndarray, render: bool = True) -> Step:
        """Apply one action for a twentieth of a second; what lies outside [-1, 1] is clipped.

        Raises:
            UserError: Not seven finite numbers.
        """
        command = np.array(action, dtype=float)
        if command.shape != (ACTION_DIMS,) or not np.isfinite(command).all():
            raise UserError(f"Action: got {command.tolist()}, expected {ACTION_DIMS} finite numbers in [-1, 1].")
        self._closed = bool(command[-1] > 0)
        observation, done = self.simulator.step(command, self._observer(render))
        return Step(observation=observation, success=done and self._begun)

    def snapshot(self) -> Snapshot:
        """The exact state, to ``restore`` in this world or in another of the same suite."""
        return Snapshot(self._scene, self._begun, self._closed, self.simulator.save())

    def restore(self, snapshot: Snapshot, render: bool = True) -> Observation:
        """Return to a snapshot; futures are bit-identical."""
        self._enter(snapshot.scene)
        self._begun, self._closed = snapshot.begun, snapshot.closed
        return self.simulator.load(snapshot.saved, self._observer(render))

    def instructions(self, task: str, split: str) -> Sequence[str]:
        """The task's one sentence, whatever the split."""
        return (self._task(task).instruction,)

    def aim(self) -> Aim:
        """What of this scene's task does not hold yet."""
        return self._open[self._scene][2].aim()

    def moment(self) -> Moment:
        """Where the tool and the things of this scene are, and what the robot holds and touches."""
        return self._open[self._scene][2].moment(self._closed)

    def close(self) -> None:
        """Free the renderers."""
        for _, cameras, _ in self._open.values():
            cameras.close()
        self._open.clear()

    def _observer(self, render: bool) -> Callable[[], Observation]:
        """What looks at the scene when the simulator says so; without ``render`` it draws nothing."""
        simulator, cameras, _ = self._open[self._scene]
        if render:
            cameras.open()

        def observe() -> Observation:
            images = cameras.render(self._size) if render else {}
            return Observation(images=images, state=simulator.proprioception())

        return observe

    def _task(self, name: str) -> Task:
        if name not in self._tasks:
            raise UnknownName("task", name, self._tasks)
        return self._tasks[name]

    def _enter(self, scene: str) -> None:
        """Make a scene the current one; the one not used for longest is closed."""
        if scene not in self._open:
            while len(self._open) >= self._most_open:
                self._open.popitem(last=False)[1][1].close()
                gc.collect()  # robosuite's environments hold themselves
            simulator = Simulator(self._tasks[scene].scene)
            self._open[scene] = simulator, Cameras(simulator, self._look), Sensing(simulator)
        self._open.move_to_end(scene)
        self._scene = scene
