"""Two evaluations side by side, episode by episode."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robovlms.core.errors import UserError
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import EpisodeResult, Results
from robovlms.statistics.intervals import Estimate
from robovlms.statistics.paired import mcnemar, mean_difference, rate_difference

MAY_DIFFER = {"executor", "batch", "image_size", "seed", "num_chains", "chain_digest"}
"""How a policy is played, and how many episodes there are: those that both have are compared one by one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of both, how much larger it is for the second, and the p-value of no difference where a test has one.

    ``p_value`` is exact McNemar's for rates; None for means, which have their interval.
    """

    first: float
    second: float
    difference: Estimate
    p_value: float | None

    @property
    def separable(self) -> bool:
        """Whether the 95 % interval leaves out zero."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Metrics over the ``num_pairs`` episodes both have; ``left_out`` counts those that only one has, or that broke."""

    metrics: dict[str, Difference]
    num_pairs: int
    left_out: int
    settings: dict[str, tuple[object, object]]
    """Where the two evaluations differ: how the policies were played, how many episodes, library versions."""


def compare(first: Results, second: Results) -> Comparison:
    """Pair two evaluations by their episodes: the same initial state, tasks and sentences.

    Raises:
        UserError: they measured different things, or have no episode in common.
    """
    _require_same_question(first, second)
    known = {episode.id: episode for episode in first.episodes if episode.status == "ok"}
    pairs = [(known[e.id], e) for e in second.episodes if e.status == "ok" and e.id in known]
    for one, other in pairs:
        _require_same_episode(one, other)
    if not pairs:
        raise UserError("The two evaluations have no episode in common: nothing can be paired.")
    solved = np.array([[one.num_solved, other.num_solved] for one, other in pairs])
    return Comparison(
        metrics=_differences(solved[:, 0], solved[:, 1], first.protocol.chain_length),
        num_pairs=len(pairs),
        left_out=len({e.id for e in (*first.episodes, *second.episodes)}) - len(pairs),
        settings=_settings(first, second),
    )


def _differences(first: np.ndarray, second: np.ndarray, length: int) -> dict[str, Difference]:
    rates = {f"success_{i}": _rates(first >= i, second >= i) for i in range(1, length + 1)}
    mean = mean_difference(first.astype(np.float64), second.astype(np.float64), span=float(length))
    lengths = Difference(float(first.mean()), float(second.mean()), mean, None)
    return {**rates, "average_length": lengths, "success": rates[f"success_{length}"]}


def _rates(first: np.ndarray, second: np.ndarray) -> Difference:
    p_value = mcnemar(int((first & ~second).sum()), int((~first & second).sum()))
    return Difference(float(first.mean()), float(second.mean()), rate_difference(first, second), p_value)


def _settings(first: Results, second: Results) -> dict[str, tuple[object, object]]:
    one, other = first.protocol.model_dump(), second.protocol.model_dump()
    different = {name: (one[name], other[name]) for name in one if one[name] != other[name]}
    libraries = {**first.versions, **second.versions}
    found = {f"{name} version": (first.versions.get(name), second.versions.get(name)) for name in libraries}
    return different | {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _require_same_question(first: Results, second: Results) -> None:
    different = _settings(first, second)
    asked = [name for name in different if name in Protocol.model_fields and name not in MAY_DIFFER]
    if asked:
        described = "; ".join(
            f"{name} {_short(different[name][0])} against {_short(different[name][1])}" for name in asked
        )
        raise UserError(f"The two evaluations measured different things, so no comparison: {described}.")


def _short(value: object) -> str:
    return f"{len(value)} of them" if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _require_same_episode(one: EpisodeResult, other: EpisodeResult) -> None:
    begun = zip(one.tasks, other.tasks, strict=False)
    same_tasks = all((a.task, a.instruction) == (b.task, b.instruction) for a, b in begun)
    if one.initial_state != other.initial_state or not same_tasks:
        raise UserError(
            f"Episode {one.id} is not the same in both evaluations. Evaluate both with one version and seed."
        )
