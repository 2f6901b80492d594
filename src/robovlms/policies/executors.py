"""How the action chunks a network plans become one action a control step.

``first`` replans every step and plays the first action. ``chunk:K`` plays the first K actions of a plan, then
replans. ``ensemble:DECAY`` replans every step and averages what all overlapping plans say about now, the older plan
weighing more (ACT, Zhao et al. 2023, section IV-B).
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from robovlms.core.errors import UnknownName, UserError

Chunk = Float[np.ndarray, "k a"]
Action = Float[np.ndarray, " a"]


@runtime_checkable
class Executor(Protocol):
    """Plays chunks for many episodes; every method concerns one episode only."""

    def reset(self, episode: str) -> None:
        """Forget an episode's plans: it starts, or it is over."""
        ...

    def instruct(self, episode: str) -> None:
        """Drop what is left of the plans made for the last instruction, so that the next step replans."""
        ...

    def due(self, episode: str) -> bool:
        """Whether a new plan must be pushed before ``next``."""
        ...

    def push(self, episode: str, chunk: Chunk) -> None:
        """Take a new plan, whose row 0 is for now; raises ``UserError`` when it is too short."""
        ...

    def next(self, episode: str) -> Action:
        """The action of this control step; calling it while ``due`` is a programming error."""
        ...


class ChunkExecutor:
    """Plays the first ``num_actions`` actions of each plan."""

    def __init__(self, num_actions: int):
        self.num_actions = num_actions
        self._remaining: dict[str, Chunk] = {}

    def reset(self, episode: str) -> None:
        """Forget the remaining actions."""
        self._remaining.pop(episode, None)

    instruct = reset

    def due(self, episode: str) -> bool:
        """True when no action is left."""
        return len(self._remaining.get(episode, ())) == 0

    def push(self, episode: str, chunk: Chunk) -> None:
        """Keep the first ``num_actions`` rows of a plan."""
        if len(chunk) < self.num_actions:
            raise UserError(
                f"Executor chunk:{self.num_actions} plays {self.num_actions} actions of a plan, but this policy plans "
                f"{len(chunk)}. Use --executor chunk:{len(chunk)} or a smaller number."
            )
        self._remaining[episode] = chunk[: self.num_actions]

    def next(self, episode: str) -> Action:
        """The next action of the plan."""
        action, self._remaining[episode] = self._remaining[episode][0], self._remaining[episode][1:]
        return action


class EnsembleExecutor:
    """Averages the rows that all plans still running hold for now, weighted ``exp(-decay * i)``, ``i = 0`` the oldest.

    ``decay`` 0 is the plain mean. Averaged gripper commands lie between closed and open: worlds read their sign.
    """

    def __init__(self, decay: float):
        self.decay = decay
        self._plans: dict[str, list[Chunk]] = {}
        self._fresh: set[str] = set()

    def reset(self, episode: str) -> None:
        """Forget all plans."""
        self._plans.pop(episode, None)
        self._fresh.discard(episode)

    instruct = reset

    def due(self, episode: str) -> bool:
        """True at every control step."""
        return episode not in self._fresh

    def push(self, episode: str, chunk: Chunk) -> None:
        """Add a plan, as the youngest."""
        self._plans.setdefault(episode, []).append(chunk)
        self._fresh.add(episode)

    def next(self, episode: str) -> Action:
        """The weighted mean over plans for now; then time moves on by one row in each of them."""
        assert episode in self._fresh, "a plan is due"
        plans = self._plans[episode]
        weights = np.exp(-self.decay * np.arange(len(plans)))
        now = np.stack([plan[0] for plan in plans])
        self._plans[episode] = [plan[1:] for plan in plans if len(plan) > 1]
        self._fresh.discard(episode)
        return (weights[:, None] * now).sum(0).astype(now.dtype) / weights.sum().astype(now.dtype)


def parse_executor(text: str) -> Executor:
    """Build the executor a user wrote: ``first``, ``chunk:5`` or ``ensemble:0.01``.

    Raises:
        UserError: The name is unknown, or its number is missing or out of range.
    """
    kind, _, value = text.partition(":")
    if kind == "first" and not value:
        return ChunkExecutor(1)
    if kind == "chunk":
        return ChunkExecutor(int(_number(text, value, at_least=1, whole=True)))
    if kind == "ensemble":
        return EnsembleExecutor(_number(text, value, at_least=0))
    raise UnknownName("executor", text, ["first", "chunk:5", "ensemble:0.01"])


def _number(text: str, value: str, *, at_least: int, whole: bool = False) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not at_least <= number < float("inf") or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise UserError(f"Executor '{text}': got '{value}' after the colon, expected {kind} of at least {at_least}.")
    return number
