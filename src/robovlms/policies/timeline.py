"""Plans on a timeline: when they are due, when they arrive, and which of their rows is played (see ``executors``)."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from typing_extensions import override

from robovlms.core.errors import UserError

Chunk = Float[np.ndarray, "k a"]
Action = Float[np.ndarray, " a"]
Hold = Callable[[Action | None], Action]


@dataclass
class _Plan:
    """A chunk, the step its row 0 is for, and the step it arrives at."""

    origin: int
    arrival: int
    chunk: Chunk


@dataclass
class _Timeline:
    """What an executor remembers of one episode: its clock, when a plan is due, plans from old to new."""

    last: Action | None = None
    step: int = 0
    due: int = 0
    plans: list[_Plan] = field(default_factory=list)


class Executor:
    """Plays the newest plan that has arrived and asks for one every ``every`` steps; episodes do not meet.

    Args:
        name: What the user wrote, for messages.
        every: Control steps from one plan to the next.
        delay: Control steps from an observation to its plan.
        continues: Whether the head is given the rest of the running plan (``rest``).
        hold: The action without a plan, from the last action; needed with a delay only.
    """

    def __init__(
        self,
        name: str,
        every: int,
        delay: int = 0,
        *,
        continues: bool = False,
        hold: Hold | None = None,
    ):
        self.name, self.every, self.delay, self.continues = name, every, delay, continues
        self._hold = hold
        self._timelines: defaultdict[str, _Timeline] = defaultdict(_Timeline)

    def reset(self, episode: str) -> None:
        """Forget an episode: it starts, or it is over."""
        self._timelines.pop(episode, None)

    def instruct(self, episode: str) -> None:
        """Drop the plans made for the last instruction, so that the next step replans."""
        self._timelines[episode] = _Timeline(self._timelines[episode].last)

    def due(self, episode: str, ahead: int = 0) -> bool:
        """Whether a plan must be pushed before ``next``, now or ``ahead`` steps on if nothing intervenes."""
        line = self._timelines[episode]
        due_now = line.step >= line.due
        if ahead == 0:
            return due_now
        late = line.step + ahead - (self._origin(line) + self.every if due_now else line.due)
        return late >= 0 and late % self.every == 0

    def require(self, num_rows: int) -> None:
        """Refuse plans of ``num_rows`` rows if they are too short.

        Raises:
            UserError: a plan would be over before the next one arrives.
        """
        if num_rows < self.every + self.delay:
            raise UserError(
                f"Executor '{self.name}' needs plans of at least {self.every + self.delay} actions, but this policy "
                f"plans {num_rows}. Play fewer actions of a plan, lower the latency, or train with a longer chunk."
            )

    def require_rhythm(self, stride: int) -> None:
        """Refuse to plan between the frames of a stream, ``stride`` control steps apart.

        Raises:
            UserError: some plans would be due there.
        """
        if self.every % stride or self.delay % stride:
            raise UserError(
                f"Executor '{self.name}' plans between the frames of a stream, which are {stride} control steps apart "
                f"(architecture.stride). Play chunks, and have latencies, that are multiples of it: chunk:{stride}."
            )

    def push(self, episode: str, chunk: Chunk) -> int:
        """Take the plan that is due, made from the observation of this step; returns the step its row 0 is for.

        Raises:
            UserError: it is too short.
        """
        self.require(len(chunk))
        line = self._timelines[episode]
        plan = _Plan(self._origin(line), line.step + self.delay, chunk)
        line.plans.append(plan)
        line.due = plan.origin + self.every
        return plan.origin

    def rest(self, episode: str) -> Chunk | None:
        """What the newest plan holds from this step on; None without a plan. The first ``delay`` rows are settled."""
        line = self._timelines[episode]
        return line.plans[-1].chunk[line.step - line.plans[-1].origin :] if line.plans else None

    def next(self, episode: str) -> Action:
        """The action of this control step; calling it while ``due`` is a programming error."""
        assert not self.due(episode), "a plan is due"
        line = self._timelines[episode]
        arrived = [plan for plan in line.plans if plan.arrival <= line.step]
        if arrived:
            used = self._used(arrived, line.step)
            line.plans = used + line.plans[len(arrived) :]
            line.last = self._blend([plan.chunk[line.step - plan.origin] for plan in used])
        else:
            assert self._hold is not None, "an executor with a latency needs an ActionSpec"
            line.last = self._hold(line.last)
        line.step += 1
        return line.last

    def _origin(self, line: _Timeline) -> int:
        return line.step if line.plans else line.step + self.delay

    def _used(self, arrived: list[_Plan], step: int) -> list[_Plan]:
        return arrived[-1:]

    def _blend(self, actions: Sequence[Action]) -> Action:
        return actions[-1]


class EnsembleExecutor(Executor):
    """Averages the rows that all plans still running hold for now, weighted ``exp(-decay * i)``, ``i = 0`` the oldest.

    ``decay`` 0 is the plain mean. Averaged gripper commands lie between closed and open: worlds read their sign.
    """

    def __init__(self, name: str, decay: float, delay: int = 0, *, hold: Hold | None = None):
        super().__init__(name, 1, delay, hold=hold)
        self.decay = decay

    @override
    def _used(self, arrived: list[_Plan], step: int) -> list[_Plan]:
        return [plan for plan in arrived if step - plan.origin < len(plan.chunk)]

    @override
    def _blend(self, actions: Sequence[Action]) -> Action:
        weights = np.exp(-self.decay * np.arange(len(actions)))
        now = np.stack(actions)
        return (weights[:, None] * now).sum(0).astype(now.dtype) / weights.sum().astype(now.dtype)
