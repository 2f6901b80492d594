"""Meta-World as a ``World``: 50 tasks, each with a table of its own; exact snapshots."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from robovlms.core.errors import UnknownName, UserError
from robovlms.core.trace import Aim, Moment
from robovlms.core.types import Observation, Step
from robovlms.worlds.metaworld.cameras import Cameras
from robovlms.worlds.metaworld.language import instructions
from robovlms.worlds.metaworld.sensing import Sensing, aim_of
from robovlms.worlds.metaworld.simulation import Saved, Simulation
from robovlms.worlds.metaworld.tasks import TASKS
from robovlms.worlds.metaworld.views import CAMERAS, check_views

if TYPE_CHECKING:
    from robovlms.actions.spec import ActionSpec, ObservationSpec

ACTION_DIMS = 4
MOST_OPEN = 12
"""Tables kept in memory: each takes 35 MB with its renderer, and half a second to make."""


@dataclass(frozen=True, slots=True)
class InitialState:
    """Whose table is set up; where things stand on it follows from the seed of the reset."""

    task: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The exact state of a table, whether its task is being judged, and whether the gripper was told to close."""

    table: str
    saved: Saved
    task: str | None
    closed: bool


class MetaWorld:
    """The package's environments in this process; implements ``core.protocols.World``.

    Args:
        image_size: Side of the square images in pixels.
        cameras: The package's cameras to show, all upright.

    Raises:
        MissingExtra: metaworld is not installed; at the first reset.
        UserError: An image size out of range; and, at the first rendered step, no OpenGL.
        UnknownName: No such camera.
    """

    def __init__(self, image_size: int = 64, cameras: Sequence[str] = CAMERAS):
        check_views(image_size, cameras)
        self._image_size, self._names = image_size, tuple(cameras)
        self._tables: OrderedDict[str, tuple[Simulation, Cameras, Sensing]] = OrderedDict()
        self._task: str | None = None
        self._closed = False

    @property
    def tasks(self) -> Sequence[str]:
        """The 50 task names."""
        return TASKS

    @property
    def action_spec(self) -> "ActionSpec":
        """Four numbers in [-1, 1] at 80 Hz."""
        from robovlms.worlds.metaworld.conventions import ACTION_SPEC

        return ACTION_SPEC

    @property
    def observation_spec(self) -> "ObservationSpec":
        """The cameras, and the hand's position and opening."""
        from robovlms.worlds.metaworld.conventions import observation_spec

        return observation_spec(self._image_size, self._names)

    def reset(self, initial_state: InitialState | Mapping[str, Any], seed: int, render: bool = True) -> Observation:
        """Set up the table of a task (an ``InitialState`` or its dict); ``seed`` fixes where objects and goal are."""
        start = initial_state if isinstance(initial_state, InitialState) else InitialState(**initial_state)
        self._sit_at(start.task)
        self.simulation.reset(seed)
        self._task, self._closed = None, False
        return self.observe(render)

    def begin_task(self, task: str) -> None:
        """Judge the task of this table from here on; nothing moves.

        Raises:
            UnknownName: No such task.
            UserError: The table is another task's.
        """
        if task not in TASKS:
            raise UnknownName("task", task, TASKS)
        if task != self.table:
            raise UserError(f"Got task {task} at the table of {self.table}. Reset with InitialState('{task}') first.")
        self._task = task

    def step(self, action: np.ndarray, render: bool = True) -> Step:
        """Apply one action for an eightieth of a second.

        Raises:
            UserError: Not four finite numbers.
        """
        command = np.asarray(action, dtype=float)
        if command.shape != (ACTION_DIMS,) or not np.isfinite(command).all():
            raise UserError(f"Action: got {action!r}, expected four finite numbers in [-1, 1].")
        self._closed = bool(command[-1] > 0)
        done = self.simulation.step(np.clip(command, -1.0, 1.0))
        return Step(observation=self.observe(render), success=done and self._task is not None)

    def observe(self, render: bool = True) -> Observation:
        """What a policy sees now; without ``render`` no images."""
        cameras = self._tables[self.table][1]
        images = {name: cameras.render(name) for name in self._names} if render else {}
        return Observation(images=images, state=self.simulation.hand)

    def snapshot(self) -> Snapshot:
        """The exact state, to ``restore`` in this world or in another."""
        return Snapshot(self.table, self.simulation.save(), self._task, self._closed)

    def restore(self, snapshot: Snapshot, render: bool = True) -> Observation:
        """Return to a snapshot; futures are bit-identical."""
        self._sit_at(snapshot.table)
        self.simulation.load(snapshot.saved)
        self._task, self._closed = snapshot.task, snapshot.closed
        return self.observe(render)

    def instructions(self, task: str, split: str) -> Sequence[str]:
        """Sentences for a task: ``split`` is 'train' or 'validation'."""
        return instructions(task, split)

    def aim(self) -> Aim:
        """What the task of this table is about."""
        return aim_of(self.table)

    def moment(self) -> Moment:
        """Where the hand and the things on the table are, and what the hand holds and touches."""
        return self._tables[self.table][2].moment(self._closed)

    @property
    def table(self) -> str:
        """The task whose table this is now.

        Raises:
            UserError: There was no reset yet.
        """
        if not self._tables:
            raise UserError("This world was never reset. Call reset(InitialState(task), seed) first.")
        return next(reversed(self._tables))

    @property
    def simulation(self) -> Simulation:
        """What experts read."""
        return self._tables[self.table][0]

    def close(self) -> None:
        """Free the renderers."""
        while self._tables:
            self._tables.popitem()[1][1].close()

    def _sit_at(self, task: str) -> None:
        if task not in TASKS:
            raise UnknownName("task", task, TASKS)
        if task not in self._tables:
            simulation = Simulation(task)
            self._tables[task] = simulation, Cameras(simulation, self._image_size), Sensing(simulation, task)
        self._tables.move_to_end(task)
        if len(self._tables) > MOST_OPEN:
            self._tables.popitem(last=False)[1][1].close()
