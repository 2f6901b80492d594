"""Intervals around what an evaluation measured: Wilson for rates, the bootstrap over episodes for means."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its confidence interval and the number of independent episodes behind it."""

    value: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """Wilson score interval of a success rate (Wilson 1927); never leaves [0, 1], never has zero width.

    Args:
        successes: Number of successes, from 0 to ``n``.
        n: Number of independent attempts, at least 1.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: ``n`` is below 1, or ``successes`` is not between 0 and ``n``.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"Wilson interval of {successes} successes in {n} attempts: need 0 <= successes <= n, n >= 1.")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # Exact at the ends, where rounding could leave a hair between the bound and 0 or 1.
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == n else float(centre + half)
    return Estimate(rate, low, high, n)


def bootstrap_mean(
    values: Float[np.ndarray, " n"],
    *,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """Bootstrap interval of a mean over independent episodes (Efron 1979), the same for a fixed seed.

    Its percentiles are expanded (Hesterberg 2015, The American Statistician 69:371): plain ones are too
    narrow for few episodes, by what Student's t and the divisor n - 1 correct.

    When all values are equal a bootstrap has zero width, which claims certainty that a hundred perfect chains do not
    give. With ``bounds`` such a sample gets the Wilson bound on how often another value may occur, taken at its worst.

    Args:
        values: One number an episode.
        bounds: The smallest and largest value possible, such as (0, 5) for the length of a chain of five.
        level: Confidence, strictly between 0 and 1.
        num_resamples: Resampled means the percentiles are taken from.
        seed: Seed of the resampling.

    Raises:
        ValueError: ``values`` is empty or not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n == 0 or not np.isfinite(values).all():
        raise ValueError(f"Bootstrap of {n} values: need at least one, all finite.")
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) == 1 and bounds is not None:
        return _constant_sample(float(distinct[0]), n, bounds, level)
    # Drawing n episodes with replacement is one multinomial draw over the distinct values.
    draws = np.random.default_rng(seed).multinomial(n, counts / n, size=num_resamples)
    tail = _expanded(0.5 - level / 2, n)
    low, high = np.quantile(draws @ distinct / n, [tail, 1 - tail])
    return Estimate(float(values.mean()), float(low), float(high), n)


def _expanded(tail: float, n: int) -> float:
    """The percentile that leaves out as much as ``tail`` should, of ``n`` values."""
    if n == 1:
        return tail
    return NormalDist().cdf(float(stdtrit(n - 1, tail)) * sqrt(n / (n - 1)))


def _constant_sample(value: float, n: int, bounds: tuple[float, float], level: float) -> Estimate:
    other = wilson(0, n, level).high
    low, high = bounds
    return Estimate(value, value - other * (value - low), value + other * (high - value), n)
