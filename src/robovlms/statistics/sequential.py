"""Looking at a comparison after every episode, and stopping as soon as it is decided, without fooling oneself.

A test at a fixed number of episodes may not be repeated until it rejects: it would, in the end, on chance alone. Here a
bettor who starts with 1 bets on each episode that one policy is better. If neither is, its fortune is a martingale, and
exceeds 1/alpha with probability alpha at most, ever (Ville 1939). Source: Waudby-Smith and Ramdas 2023, section 4
(arXiv 2010.09686), the hedged capital with predictable plug-in bets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np
from jaxtyping import Float

from robovlms.statistics.intervals import Estimate

MOST_BET = 0.5
"""Share of the fortune that is risked at most: the rest survives the worst episode."""
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Decision:
    """Where looking may stop: after ``n`` episodes, ``better`` 1 for the second policy and -1 for the first."""

    n: int
    better: int


def evidence(
    first: Float[np.ndarray, " n"], second: Float[np.ndarray, " _"], span: float, level: float = 0.95
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Fortune after each episode of those who bet on the second policy, and on the first.

    Args:
        first: The first policy's score of each episode, in an order that was fixed before.
        second: The same of the second policy.
        span: The largest score minus the smallest one possible.
        level: Confidence; bets are sized for it.

    Raises:
        ValueError: the scores are not as many, or differ by more than ``span``.
    """
    if len(first) != len(second):
        raise ValueError(f"Got {len(first)} and {len(second)} episodes, expected as many.")
    gains = (np.asarray(second, np.float64) - np.asarray(first, np.float64)) / span
    if (np.abs(gains) > 1).any():
        raise ValueError(f"Scores differ by up to {span * np.abs(gains).max():g}, expected {span:g} at most.")
    bets = _bets(gains, level)
    return np.cumprod(1 + bets * gains), np.cumprod(1 - bets * gains)


def decision(
    first: Float[np.ndarray, " n"], second: Float[np.ndarray, " _"], span: float, level: float = 0.95
) -> Decision | None:
    """The first moment at which one policy is known to be better, or None if these episodes do not tell.

    If neither is better, this errs with probability ``1 - level`` at most, however often it is looked at.
    """
    for_second, for_first = evidence(first, second, span, level)
    enough = 2 / (1 - level)  # each of the two bettors has half of the money
    found = np.flatnonzero((for_second >= enough) | (for_first >= enough))
    return Decision(int(found[0]) + 1, 1 if for_second[found[0]] >= enough else -1) if len(found) else None


def p_value(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " _"], span: float) -> float:
    """Two-sided p-value of no difference that holds whenever one stops; at most 0.05 where ``decision`` decides.

    Raises as ``evidence`` does.
    """
    most = max(float(fortunes.max(initial=1.0)) for fortunes in evidence(first, second, span))
    return min(1.0, 2 / most)


def interval(values: Float[np.ndarray, " n"], bounds: tuple[float, float], level: float = 0.95) -> Estimate:
    """A mean with the interval that holds at all numbers of episodes at once, so whenever one stops.

    It holds the means that no bettor has become rich against; the same source. It is wider than one for a number of
    episodes that was fixed before. Of differences between two policies it leaves out 0 as soon as ``decision`` decides.

    Args:
        values: One number an episode, in an order that was fixed before.
        bounds: The smallest and largest value possible.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: there is no value, or one is out of bounds.
    """
    low, high = bounds
    values = np.asarray(values, np.float64)
    if not len(values) or values.min() < low or values.max() > high:
        raise ValueError(f"Got {len(values)} values, expected 1 or more between {low:g} and {high:g}.")
    middle, half = (low + high) / 2, (high - low) / 2
    gains = (values - middle) / half
    bets, enough = _bets(gains, level), 2 / (1 - level)

    def rejects(sign: float) -> Callable[[float], bool]:
        return lambda mean: bool(np.cumprod(1 + sign * bets * (gains - mean)).max() >= enough)

    lowest, highest = _last(rejects(1), -1.0, 1.0), _last(rejects(-1), 1.0, -1.0)
    value = float(values.mean())
    return Estimate(value, min(value, middle + half * lowest), max(value, middle + half * highest), len(values))


def _last(holds: Callable[[float], bool], begin: float, end: float) -> float:
    """How far from ``begin`` to ``end`` a condition goes on holding; ``begin`` where it never holds."""
    for _ in range(_HALVINGS):
        middle = (begin + end) / 2
        begin, end = (middle, end) if holds(middle) else (begin, middle)
    return begin


def _bets(gains: Float[np.ndarray, " n"], level: float) -> Float[np.ndarray, " n"]:
    """What is risked on each episode, from those before it: more when they varied little."""
    count = np.arange(1, len(gains) + 1)
    means = (np.cumsum(gains)) / (count + 1)  # as if one episode without a difference came first
    variances = (0.25 + np.cumsum((gains - means) ** 2)) / (count + 1)
    known = np.concatenate([[0.25], variances[:-1]])
    sizes = np.sqrt(2 * log(2 / (1 - level)) / (known * count * np.log(count + 1)))
    return np.minimum(sizes, MOST_BET)
