"""How many episodes an evaluation needs: from what is expected, or from how a pilot's scores spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robovlms.core.errors import UserError
from robovlms.evaluation.comparison import paired
from robovlms.evaluation.results import load
from robovlms.statistics.planning import (
    episodes_for_mean,
    episodes_for_rate,
    pairs_for_mean,
    pairs_for_rate,
    pairs_to_decide,
)

QUESTION = "Ask for an interval (--margin) or for a difference to find (--separate), and not for both."


@dataclass(frozen=True, slots=True)
class Plan:
    """A number of episodes, and what it is enough for.

    ``stopping`` is how many it takes as often when one stops as soon as it is known which policy is better; None where
    that was not asked, or is beyond 20,000.
    """

    episodes: int
    why: str
    stopping: int | None = None


def plan_rates(margin: float | None, separate: float | None, rate: float, disagree: float, power: float) -> Plan:
    """A plan for success rates, from expectations given as shares.

    Raises:
        UserError: neither or both questions are asked.
        ValueError: a number is no share.
    """
    if (margin is None) == (separate is None):
        raise UserError(QUESTION)
    if margin is not None:
        n = episodes_for_rate(margin, rate)
        return Plan(n, f"the 95 % interval of a rate near {rate:.0%} then is +-{100 * margin:g} points or less.")
    assert separate is not None
    n = pairs_for_rate(separate, disagree, power)
    shares = np.array([(disagree - separate) / 2, 1 - disagree, (disagree + separate) / 2])
    return Plan(
        n,
        f"played by both policies, they show a difference of {100 * separate:g} points in {power:.0%} of cases, where "
        f"one policy alone solves {disagree:.0%} of them.",
        pairs_to_decide(np.array([-1.0, 0.0, 1.0]), shares, 1.0, power),
    )


def plan_from_pilot(
    results: Sequence[Path], margin: float | None = None, separate: float | None = None, power: float = 0.8
) -> Plan:
    """A plan for the average length, from the spread of a pilot's episodes: of one policy's scores, or of differences.

    Without ``separate`` two results are asked for the difference they show.

    Raises:
        UserError: other than one or two results, another question than theirs, or a pilot whose scores are all equal.
        ValueError: a number makes no plan.
    """
    if len(results) == 1 and margin is not None and separate is None:
        solved = np.array([one.num_solved for one in load(results[0]).episodes if one.status == "ok"])
        n = episodes_for_mean(margin, _spread(solved))
        return Plan(n, f"the 95 % interval of the average length then is about +-{margin:g}.")
    if len(results) == 2 and margin is None:
        loaded = [load(path) for path in results]
        (first, second), _ = paired(loaded)
        found = abs(float(np.mean(second - first)))
        difference = found if separate is None else separate
        n = pairs_for_mean(difference, _spread(second - first), power)
        why = f"a difference of {difference:.2f} in average length is then found in {power:.0%} of cases."
        if separate is not None:
            return Plan(n, why)
        gains, counts = np.unique(second - first, return_counts=True)
        span = float(loaded[0].protocol.chain_length)
        return Plan(n, why, pairs_to_decide(gains * 1.0, counts / counts.sum(), span, power))
    raise UserError(
        f"Got {len(results)} results: expected one with --margin, or two, with --separate or without. {QUESTION}"
    )


def _spread(scores: np.ndarray) -> float:
    if len(np.unique(scores)) < 2:
        raise UserError(
            f"All {len(scores)} episodes of the pilot give the same number, so that it does not tell how far they "
            "spread. Play more episodes, or plan success rates without a pilot."
        )
    return float(np.std(scores, ddof=1))
