"""Two evaluations side by side, episode by episode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from robovlms.core.errors import UserError
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import EpisodeResult, Results, mixed
from robovlms.statistics import sequential
from robovlms.statistics.intervals import Estimate
from robovlms.statistics.paired import mcnemar, mean_difference, rate_difference
from robovlms.statistics.runs import run_difference
from robovlms.statistics.sequential import Decision

Score = Callable[[np.ndarray], np.ndarray]
"""Tasks solved in a row to an episode's score."""
MAY_DIFFER = {"executor", "batch", "image_size", "seed", "num_chains", "chain_digest"}
"""How a policy is played, and how many episodes there are: those that both have are compared one by one."""
OF_A_SETTING = {"setting", "instruction_split"}
"""What may differ besides where the settings do: what something new costs, from the same initial states."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of both, how much larger it is for the second, and the p-value of no difference where a test has one.

    Of two policies, ``p_value`` is exact McNemar's for rates and None for means, which have their interval. Of two
    recipes it is Welch's. Where an evaluation was stopped it is that of the sequential test, for rates and means.
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
    """Metrics over the ``num_pairs`` episodes all have; ``left_out`` counts those that one lacks, or that broke.

    ``num_runs`` counts the evaluations on each side.
    """

    metrics: dict[str, Difference]
    num_pairs: int
    left_out: int
    settings: dict[str, tuple[object, object]]
    """Where the two evaluations differ: how the policies were played, how many episodes, library versions."""
    num_runs: tuple[int, int] = (1, 1)
    decided: Decision | None = None
    """Where looking after every episode could have stopped; never, or not asked of recipes, when None."""
    stopped: bool = False
    """Whether an evaluation ended when it was decided: all intervals then hold whenever one stops."""


def compare(first: Results, second: Results) -> Comparison:
    """Pair two evaluations by their episodes: the same initial state, tasks and sentences.

    Raises:
        UserError: they measured different things, or have no episode in common.
    """
    solved, left_out = paired([first, second])
    stopped = bool(first.stopped or second.stopped)
    between = _between_stopped if stopped else _between
    return Comparison(
        metrics=_named(first, lambda score: between(score(solved[0]), score(solved[1]), first.protocol.chain_length)),
        num_pairs=solved.shape[1],
        left_out=left_out,
        settings=_settings(first, second),
        decided=sequential.decision(solved[0] * 1.0, solved[1] * 1.0, float(first.protocol.chain_length)),
        stopped=stopped,
    )


def compare_runs(first: Sequence[Results], second: Sequence[Results]) -> Comparison:
    """Compare two recipes by the scores of several training runs of each, on the episodes that all of them have.

    Raises:
        UserError: a recipe has one run, they measured different things, have no episode in common, or a run stopped.
    """
    if min(len(first), len(second)) < 2:
        raise UserError(
            f"Got {len(first)} and {len(second)} results: expected one of each, to compare two policies, "
            "or several of each, to compare two recipes."
        )
    if any(run.stopped for run in (*first, *second)):
        raise UserError("A run stopped when it was decided, which favours one side. Go on: --resume without --against.")
    solved, left_out = paired([*first, *second])
    one, other = solved[: len(first)], solved[len(first) :]
    return Comparison(
        metrics=_named(first[0], lambda score: _between_runs(score(one).mean(axis=1), score(other).mean(axis=1))),
        num_pairs=solved.shape[1],
        left_out=left_out,
        settings=_settings(first[0], second[0]),
        num_runs=(len(first), len(second)),
    )


def paired(evaluations: Sequence[Results]) -> tuple[Int[np.ndarray, "r n"], int]:
    """Tasks solved in a row, by evaluation and episode, of the episodes all have; and how many others there are.

    Episodes stand in the order of ``results.mixed``.
    """
    played = [{episode.id: episode for episode in one.episodes if episode.status == "ok"} for one in evaluations]
    common = sorted(set.intersection(*(set(episodes) for episodes in played)), key=mixed)
    for evaluation, episodes in zip(evaluations[1:], played[1:], strict=True):
        require_same_question(evaluations[0].protocol, evaluation.protocol)
        same_sentences = evaluations[0].protocol.instruction_split == evaluation.protocol.instruction_split
        for name in common:
            _require_same_episode(played[0][name], episodes[name], same_sentences)
    if not common:
        raise UserError("The evaluations have no episode in common: nothing can be paired.")
    known = {episode.id for one in evaluations for episode in one.episodes}
    solved = np.array([[episodes[name].num_solved for name in common] for episodes in played])
    return solved, len(known) - len(common)


def _named(
    results: Results, measure: Callable[[Callable[[np.ndarray], np.ndarray]], Difference]
) -> dict[str, Difference]:
    """Every metric, by its name in ``results.json``; ``measure`` is given what scores the tasks solved in a row."""
    length = results.protocol.chain_length
    rates = {f"success_{i}": measure(lambda solved, i=i: solved >= i) for i in range(1, length + 1)}
    return {**rates, "average_length": measure(lambda solved: solved * 1.0), "success": rates[f"success_{length}"]}


def _between(first: np.ndarray, second: np.ndarray, length: int) -> Difference:
    """Of two policies, by the score of each episode."""
    means = float(first.mean()), float(second.mean())
    if first.dtype != bool:
        return Difference(*means, mean_difference(first, second, span=float(length)), None)
    p_value = mcnemar(int((first & ~second).sum()), int((~first & second).sum()))
    return Difference(*means, rate_difference(first, second), p_value)


def _between_stopped(first: np.ndarray, second: np.ndarray, length: int) -> Difference:
    """Of two policies, where it was looked at the scores to decide when to stop."""
    span = 1.0 if first.dtype == bool else float(length)
    one, other = first * 1.0, second * 1.0
    found = sequential.interval(other - one, (-span, span))
    return Difference(float(one.mean()), float(other.mean()), found, sequential.p_value(one, other, span))


def _between_runs(first: np.ndarray, second: np.ndarray) -> Difference:
    """Of two recipes, by the score of each run."""
    return Difference(float(first.mean()), float(second.mean()), *run_difference(first, second))


def _settings(first: Results, second: Results) -> dict[str, tuple[object, object]]:
    different = _protocol_differences(first.protocol, second.protocol)
    libraries = {**first.versions, **second.versions}
    found = {f"{name} version": (first.versions.get(name), second.versions.get(name)) for name in libraries}
    return different | {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _protocol_differences(first: Protocol, second: Protocol) -> dict[str, tuple[object, object]]:
    one, other = dict(first), dict(second)
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


def require_same_question(first: Protocol, second: Protocol) -> None:
    """Refuse two evaluations that may not be paired; raises ``UserError`` naming what they asked differently."""
    different = _protocol_differences(first, second)
    allowed = MAY_DIFFER | (OF_A_SETTING if "setting" in different else set())
    asked = [name for name in different if name not in allowed]
    if asked:
        described = "; ".join(
            f"{name} {_short(different[name][0])} against {_short(different[name][1])}" for name in asked
        )
        raise UserError(f"The two evaluations measured different things, so no comparison: {described}.")


def _short(value: object) -> str:
    return f"{len(value)} of them" if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _require_same_episode(one: EpisodeResult, other: EpisodeResult, same_sentences: bool) -> None:
    begun = list(zip(one.tasks, other.tasks, strict=False))
    same_tasks = all(a.task == b.task for a, b in begun)
    said_alike = not same_sentences or all(a.instruction == b.instruction for a, b in begun)
    if one.initial_state != other.initial_state or one.seed != other.seed or not (same_tasks and said_alike):
        raise UserError(
            f"Episode {one.id} is not the same in both evaluations. Evaluate both with one version and seed."
        )
