"""Plays many episodes side by side: worlds elsewhere, one policy here, and the same episodes for any worker count.

Episodes play in cohorts of ``batch``, in lockstep: a cohort waits for all its worlds, and the policy's network runs
when all its episodes are due, so that its padded batch is full. What shares a batch with what therefore follows from
the jobs alone. Two cohorts take turns: the worlds of one move while the policy thinks about the other, through all
steps of a plan where the policy has decided them (``PlansAhead``).
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from robovlms.core.errors import WorkFailed
from robovlms.core.protocols import PlansAhead, Policy
from robovlms.core.types import Decision, Observation
from robovlms.evaluation.episode import Job, Turn, episode_result
from robovlms.evaluation.host import Act, Command, Look, Lost, Workers
from robovlms.evaluation.results import EpisodeResult
from robovlms.evaluation.throughput import Spent

MAX_TRIES = 3
"""Times an episode is played before its crashes count as an infrastructure error."""

Slots = Sequence[int]


@dataclass(slots=True)
class _Seat:
    """The episode of a slot: ``turn`` is None while its world is busy; ``observation`` is the policy's to read."""

    job: Job
    turn: Turn | None = None
    sure: list[list[float]] = field(default_factory=list)
    """The policy's confidence at the steps of each task begun."""
    decided: list[Decision] = field(default_factory=list)
    """What the world was sent to play."""

    @property
    def started(self) -> bool:
        return bool(self.sure)

    def played(self, num_steps: int) -> None:
        """Keep how sure the policy was at the steps that were played."""
        if num_steps:
            self.sure[-1] += [float(one.confidence) for one in self.decided[:num_steps] if one.confidence is not None]

    def judged(self, result: EpisodeResult) -> EpisodeResult:
        """The result with the confidence of each attempt."""
        pairs = zip(result.tasks, self.sure, strict=True)
        tasks = [task.model_copy(update={"confidence": _mean(sure)}) for task, sure in pairs]
        return result.model_copy(update={"tasks": tuple(tasks)})

    @property
    def observation(self) -> Observation:
        assert self.turn is not None
        assert self.turn.observation is not None
        return self.turn.observation

    @property
    def rendered(self) -> bool:
        return self.turn is not None and self.turn.rendered


class Rollouts:
    """Plays jobs to their results.

    Args:
        policy: The policy; called in this thread only.
        workers: Where the worlds are.
        jobs: Episodes in the order they are begun.
        max_steps: Control steps that a task may have.
        batch: Episodes in a cohort: the most that ``policy.act`` ever gets at once.
        seed: Seed all sampling of the policy starts from; each episode derives its own.
        on_steps: Called with the number of control steps just played.
    """

    def __init__(
        self,
        policy: Policy,
        workers: Workers,
        jobs: Sequence[Job],
        max_steps: int,
        *,
        batch: int,
        seed: int,
        on_steps: Callable[[int], None] = lambda num: None,
    ):
        self._policy, self._workers, self._seed, self._on_steps = policy, workers, seed, on_steps
        self._max_steps = max_steps
        self._queue = deque(jobs)
        self._seats: dict[int, _Seat] = {}
        self._tries: Counter[str] = Counter()
        self._num_ok = self._num_errors = 0
        self.spent = Spent()
        self._cohorts: list[Slots] = [range(i * batch, (i + 1) * batch) for i in range(_num_cohorts(len(jobs), batch))]

    def run(self) -> Generator[EpisodeResult]:
        """Results as episodes end; closing it forgets the episodes that are under way.

        Raises:
            UserError: A world refused its input.
            WorkFailed: The policy answered with NaN, or no episode can be played at all.
        """
        try:
            while self._queue or self._seats:
                for slots in self._cohorts:
                    for slot, turn in sorted(self._workers.collect(slots).items()):
                        result = self._receive(slot, turn)
                        if result is not None:
                            self.spent.num_episodes += 1
                            yield result
                    self._workers.send(self._begin(slots) | self._decide(slots))
        finally:
            for slot in list(self._seats):
                self._leave(slot)

    def _receive(self, slot: int, turn: Turn | Lost) -> EpisodeResult | None:
        seat = self._seats.get(slot)
        if seat is None:
            return None
        if isinstance(turn, Lost):
            return self._lose(slot, turn)
        self.spent.worlds(turn.took_s, turn.render_s)
        seat.played(turn.num_steps)
        self._on_steps(turn.num_steps)
        if turn.result is not None:
            self._leave(slot)
            self._num_ok += 1
            return seat.judged(turn.result)
        seat.turn = turn
        if turn.instruction is not None:
            self._tell(seat, turn.instruction)
        return None

    def _tell(self, seat: _Seat, instruction: str) -> None:
        if seat.started:
            self._policy.instruct(seat.job.id, instruction)
        else:
            seed = np.random.SeedSequence([self._seed, seat.job.seed]).generate_state(1)[0]
            self._policy.start(seat.job.id, instruction, seed=int(seed))
        seat.sure.append([])

    def _lose(self, slot: int, lost: Lost) -> EpisodeResult | None:
        """Queue the episode again from its beginning, unless it is the one that brings its world down each time."""
        job = self._leave(slot)
        self._tries[job.id] += lost.blamed
        self.spent.num_faults += lost.blamed
        if self._tries[job.id] < MAX_TRIES:
            self._queue.appendleft(job)
            return None
        self._num_errors += 1
        if self._num_errors >= MAX_TRIES and not self._num_ok:
            raise WorkFailed(f"No episode can be played; each of the first died {MAX_TRIES} times, of:\n{lost.reason}")
        return episode_result(job, error=lost.reason)

    def _leave(self, slot: int) -> Job:
        seat = self._seats.pop(slot)
        if seat.started:
            self._policy.stop(seat.job.id)
        return seat.job

    def _begin(self, slots: Slots) -> dict[int, Command]:
        commands: dict[int, Command] = {}
        for slot in slots:
            if slot not in self._seats and self._queue:
                job = self._queue.popleft()
                self._seats[slot] = _Seat(job)
                commands[slot] = job
        return commands

    def _decide(self, slots: Slots) -> dict[int, Command]:
        """Move those that need no plan; let the network plan only when all that play are due and can see."""
        playing = {slot: self._seats[slot] for slot in slots if slot in self._seats}
        waiting = {slot: seat for slot, seat in playing.items() if seat.turn is not None}
        due = {slot for slot, seat in waiting.items() if self._policy.needs_observation(seat.job.id)}
        blind = [slot for slot in due if not waiting[slot].rendered]
        commands: dict[int, Command] = {slot: Look() for slot in blind}
        for slot in blind:
            waiting[slot].turn = None
        acting = [slot for slot in waiting if slot not in due]
        if not acting and not blind and len(waiting) == len(playing):
            acting = list(waiting)
        return commands | self._act({slot: waiting[slot] for slot in acting})

    def _act(self, seats: Mapping[int, _Seat]) -> dict[int, Command]:
        if not seats:
            return {}
        began = time.perf_counter()
        decisions = self._policy.act({seat.job.id: seat.observation for seat in seats.values()})
        self.spent.policy_s += time.perf_counter() - began
        commands: dict[int, Command] = {}
        for slot, seat in seats.items():
            episode = seat.job.id
            seat.decided = [_sound(one, episode) for one in (decisions[episode], *self._planned(episode))]
            actions = tuple(one.action for one in seat.decided)
            commands[slot] = Act(actions, render=self._policy.needs_observation(episode))
            seat.turn = None
        return commands

    def _planned(self, episode: str) -> Iterator[Decision]:
        """What is decided already of the steps that follow, as far as a task can go: a policy may never end."""
        if isinstance(self._policy, PlansAhead):
            yield from islice(iter(partial(self._policy.planned, episode), None), self._max_steps - 1)


def _sound(decision: Decision, episode: str) -> Decision:
    """The same decision, if a result can hold it."""
    if not np.isfinite(decision.action).all():
        raise WorkFailed(f"The policy's action is not finite in episode {episode}: {decision.action.tolist()}.")
    if decision.confidence is not None and not 0 <= decision.confidence <= 1:
        raise WorkFailed(f"The policy's confidence in episode {episode} is {decision.confidence}, expected 0 to 1.")
    return decision


def most_at_once(num_jobs: int, batch: int) -> int:
    """Episodes that play side by side, and so the most workers that have something to do."""
    return min(num_jobs, batch * _num_cohorts(num_jobs, batch))


def _num_cohorts(num_jobs: int, batch: int) -> int:
    """With fewer jobs two cohorts would only halve the rows that fill a batch."""
    return 2 if num_jobs >= 2 * batch else 1


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None
