"""One episode in one world: the instructions one after the other, each after the success of the last."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.core.protocols import World
from robovlms.core.trace import Moment, Traced
from robovlms.core.types import Observation
from robovlms.evaluation.failures import TIMEOUT, failure_of
from robovlms.evaluation.results import EpisodeResult, TaskResult
from robovlms.evaluation.sanity import sound, sound_step
from robovlms.evaluation.video import VideoRecorder


@dataclass(frozen=True, slots=True)
class WorldFactory:
    """How a worker process builds its worlds: ``module:callable`` and keyword arguments, so that it can be pickled.

    ``shared``: the episodes of a process take turns in one world, as snapshots; else each episode has its own world,
    which suits a simulator whose snapshots are slow.
    """

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = True

    def __call__(self) -> World:
        """Build one world."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)(**self.kwargs)


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to play. ``initial_state`` is the world's own; ``video`` is where to record it, if anywhere."""

    id: str
    initial_state: Any
    seed: int
    tasks: tuple[str, ...]
    video: Path | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a player needs of the protocol."""

    max_steps: int
    instruction_split: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What an episode waits with: an observation, with a new instruction where a task begins; or its result.

    ``num_steps`` control steps led to it. ``rendered`` tells whether the observation was rendered, which a world
    without cameras cannot show. ``took_s`` is what it took the world, ``render_s`` how much of it was drawing (None
    where the world does not tell).
    """

    observation: Observation | None = None
    rendered: bool = False
    instruction: str | None = None
    result: EpisodeResult | None = None
    num_steps: int = 0
    took_s: float = 0.0
    render_s: float | None = None


class Player:
    """Plays one episode at a time in a world that it may share: whoever calls sets the world to this episode."""

    def __init__(self, world: World, rules: Rules):
        self._world = world
        self._rules = rules
        self._traced = world if isinstance(world, Traced) else None
        self._trace: list[Moment] = []
        self._recorder: VideoRecorder | None = None
        self.playing = False

    def begin(self, job: Job) -> Turn:
        """Reset the world to the job's initial state and begin its first task."""
        self._drop_recording()
        self._job, self._results, self.playing = job, list[TaskResult](), True
        if job.video is not None:
            self._recorder = VideoRecorder(job.video, self._world)
        render = self._must_render
        return self._begin_task(sound(self._world.reset(job.initial_state, job.seed, render)), render)

    def act(self, actions: Sequence[np.ndarray], render: bool) -> Turn:
        """Play control steps until a task ends; a success begins the next, a failure or the last success is the end.

        ``render`` the last that is played: who wants to see the end of a plan wants to see what interrupts it.
        """
        for played, action in enumerate(actions, start=1):
            turn = self._step(action, render and played == len(actions))
            if turn.instruction is not None or turn.result is not None:
                break
        if render and not turn.rendered and turn.instruction is not None:
            turn = replace(self.look(), instruction=turn.instruction)
        return replace(turn, num_steps=played)

    def _step(self, action: np.ndarray, render: bool) -> Turn:
        render = render or self._must_render
        step = sound_step(self._world.step(action, render))
        self._num_steps += 1
        self._keep_moment()
        if self._recorder is not None:
            self._recorder.add(step.observation, action)
        if not step.success and self._num_steps < self._rules.max_steps:
            return Turn(step.observation, render)
        self._end_task(bool(step.success))
        if step.success and len(self._results) < len(self._job.tasks):
            return self._begin_task(step.observation, render)
        return Turn(result=self._end())

    def look(self) -> Turn:
        """Render the present moment: a task may begin at a step that nobody meant to look at."""
        # Restoring a snapshot is the one way every world has to render without moving.
        return Turn(sound(self._world.restore(self._world.snapshot())), rendered=True)

    def close(self) -> None:
        """Drop an unfinished recording."""
        self._drop_recording()

    @property
    def _must_render(self) -> bool:
        return self._recorder is not None and self._recorder.needs_images

    def _begin_task(self, observation: Observation, rendered: bool) -> Turn:
        position = len(self._results)
        task = self._job.tasks[position]
        sentences = self._world.instructions(task, self._rules.instruction_split)
        choice = np.random.default_rng([self._job.seed, position]).integers(len(sentences))
        self._instruction, self._num_steps = sentences[int(choice)], 0
        self._world.begin_task(task)
        self._trace.clear()
        self._keep_moment()
        if self._recorder is not None:
            self._recorder.begin_task(observation, f"{position + 1}/{len(self._job.tasks)}  {self._instruction}")
        return Turn(observation, rendered, self._instruction)

    def _keep_moment(self) -> None:
        if self._traced is not None:
            self._trace.append(self._traced.moment())

    def _failure(self) -> str:
        if self._traced is None:
            return TIMEOUT
        return failure_of(self._traced.aim(), self._trace, self._world.action_spec.rate_hz)

    def _end_task(self, success: bool) -> None:
        failure = None if success else self._failure()
        task = self._job.tasks[len(self._results)]
        self._results.append(
            TaskResult(
                task=task, instruction=self._instruction, success=success, steps=self._num_steps, failure=failure
            )
        )
        if self._recorder is not None:
            self._recorder.end_task("done" if failure is None else failure.replace("_", " "), success)

    def _end(self) -> EpisodeResult:
        self.playing = False
        if self._recorder is not None:
            self._recorder.finish()
            self._recorder = None
        return episode_result(self._job, tuple(self._results))

    def _drop_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.drop()
            self._recorder = None


def episode_result(job: Job, tasks: tuple[TaskResult, ...] = (), error: str | None = None) -> EpisodeResult:
    """The result of a job; with ``error`` an infrastructure error."""
    status = "ok" if error is None else "infrastructure_error"
    state = plain(job.initial_state)
    return EpisodeResult(id=job.id, initial_state=state, seed=job.seed, status=status, tasks=tasks, error=error)


def plain(state: Any) -> Any:
    """A world's initial state as JSON holds it."""
    if hasattr(state, "to_dict"):
        return state.to_dict()
    if is_dataclass(state) and not isinstance(state, type):
        return plain(asdict(state))
    if isinstance(state, Mapping):
        return {str(name): plain(value) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return [plain(value) for value in state]
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state
