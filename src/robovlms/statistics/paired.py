"""Differences between two policies that met the same episodes: pairing takes the episodes' difficulty out."""

from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binomtest

from robovlms.statistics.intervals import Estimate, bootstrap_mean


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of McNemar's test (1947) that both succeed equally often.

    Args:
        only_first: Episodes that the first solved and the second did not.
        only_second: The reverse. Episodes that both or neither solved say nothing.

    Raises:
        ValueError: a count is negative.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"McNemar's test: got {only_first} and {only_second} episodes, expected counts from 0 on.")
    disagreeing = only_first + only_second
    return float(binomtest(only_first, disagreeing).pvalue) if disagreeing else 1.0


def rate_difference(first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " _"], level: float = 0.95) -> Estimate:
    """How much more often the second succeeds, with the adjusted Wald interval of Bonett and Price (2012).

    Half an episode is added to each of the four ways a pair may end, so the interval keeps a width where all pairs
    agree.

    Args:
        first: Whether the first policy solved each episode.
        second: The same of the second policy, in the same order.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: there is no pair, or one row is longer.
    """
    _require_pairs(first, second)
    n = len(first)
    lost = (int((first & ~second).sum()) + 1) / (n + 2)
    gained = (int((~first & second).sum()) + 1) / (n + 2)
    half = NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt((gained + lost - (gained - lost) ** 2) / (n + 2))
    value = float(second.mean() - first.mean())
    low, high = max(-1.0, gained - lost - half), min(1.0, gained - lost + half)
    return Estimate(value, min(value, float(low)), max(value, float(high)), n)


def mean_difference(
    first: Float[np.ndarray, " n"], second: Float[np.ndarray, " _"], *, span: float, level: float = 0.95
) -> Estimate:
    """How much more the second scores on average, with the bootstrap over pairs (``bootstrap_mean``).

    Args:
        first: The first policy's score of each episode.
        second: The same of the second policy, in the same order.
        span: The largest score minus the smallest one possible.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: there is no pair, or one row is longer.
    """
    _require_pairs(first, second)
    return bootstrap_mean(second - first, bounds=(-span, span), level=level)


def _require_pairs(first: np.ndarray, second: np.ndarray) -> None:
    if len(first) != len(second) or not len(first):
        raise ValueError(
            f"Paired comparison: got {len(first)} and {len(second)} episodes, expected as many, 1 or more."
        )
