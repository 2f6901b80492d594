"""How many episodes it takes: for an interval of a given width, or to tell two policies apart."""

from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from robovlms.statistics.intervals import wilson
from robovlms.statistics.sequential import decision

MOST = 10**9
"""Beyond this no evaluation goes."""
_RUNS, _MOST_SIMULATED = 200, 20_000


def episodes_for_rate(margin: float, rate: float = 0.5, level: float = 0.95) -> int:
    """Episodes after which the Wilson interval of a rate near ``rate`` reaches no further than ``margin`` either way.

    Args:
        margin: Half the interval's width, as a share: 0.03 for three points.
        rate: The success rate expected; 0.5 needs the most.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: the margin or the rate is not a share, or it takes more than ``MOST`` episodes.
    """
    _require_share("margin", margin)
    _require_share("rate", rate, ends=True)

    def reaches(n: int) -> float:
        found = [wilson(successes, n, level) for successes in {int(rate * n), ceil(rate * n)}]
        return max((one.high - one.low) / 2 for one in found)

    low, high = 0, 1
    while reaches(high) > margin:
        low, high = high, _episodes(2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) <= margin else (middle, high)
    return high


def episodes_for_mean(margin: float, deviation: float, level: float = 0.95) -> int:
    """Episodes after which a mean is known to ``margin`` either way, where scores spread by ``deviation``.

    Raises:
        ValueError: one of them is not above 0, or it takes more than ``MOST`` episodes.
    """
    _require_positive("margin", margin)
    _require_positive("deviation", deviation)
    root = _quantile(level) * deviation / margin
    return _episodes(root * root)


def pairs_for_rate(difference: float, disagreeing: float, power: float = 0.8, level: float = 0.95) -> int:
    """Paired episodes for McNemar's test to find a difference of two success rates (Connor 1987).

    Args:
        difference: How much more often one policy succeeds, as a share.
        disagreeing: Share of episodes that one policy alone solves; at least ``difference``.
        power: Probability of finding it.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: a number is no share, the policies disagree less often than they differ, or it takes more than
            ``MOST`` episodes.
    """
    for name, value in (("difference", difference), ("power", power)):
        _require_share(name, value)
    if not difference <= disagreeing <= 1:
        raise ValueError(
            f"Disagreeing: got {disagreeing}, expected a share between the difference, {difference}, and 1."
        )
    surely, found = _quantile(level), NormalDist().inv_cdf(power)
    spread = surely * sqrt(disagreeing) + found * sqrt(max(disagreeing - difference**2, 0.0))
    root = spread / difference
    return _episodes(root * root)


def pairs_for_mean(difference: float, deviation: float, power: float = 0.8, level: float = 0.95) -> int:
    """Paired episodes to find a difference of two means, where differences spread by ``deviation``.

    Raises:
        ValueError: difference or deviation is not above 0, the power is no share, or it takes more than ``MOST``
            episodes.
    """
    _require_positive("difference", difference)
    _require_positive("deviation", deviation)
    _require_share("power", power)
    root = (_quantile(level) + NormalDist().inv_cdf(power)) * deviation / difference
    return _episodes(root * root)


def pairs_to_decide(
    gains: Float[np.ndarray, " g"],
    shares: Float[np.ndarray, " _"],
    span: float,
    power: float = 0.8,
    level: float = 0.95,
) -> int | None:
    """Paired episodes by which looking after each has told the better policy, in a share ``power`` of simulated cases.

    Args:
        gains: What the second policy may score more than the first.
        shares: How often each happens; their sum is 1.
        span: The largest score minus the smallest one possible.
        power: Share of the cases.
        level: Confidence, strictly between 0 and 1.

    Returns:
        None where more than 20,000 would be needed.
    """
    _require_share("power", power)
    rng, length = np.random.default_rng(0), 250
    while length < _MOST_SIMULATED:
        length *= 2
        draws = rng.choice(gains, size=(_RUNS, length), p=shares)
        found = [decision(np.zeros(length), one, span, level) for one in draws]
        ends = sorted(one.n for one in found if one is not None)
        if len(ends) >= power * _RUNS:
            return ends[ceil(power * _RUNS) - 1]
    return None


def _episodes(num: float) -> int:
    if num > MOST:
        raise ValueError(f"it takes more than {MOST:,} episodes. Ask for less.")
    return max(1, ceil(num))


def _quantile(level: float) -> float:
    _require_share("level", level)
    return NormalDist().inv_cdf(0.5 + level / 2)


def _require_share(name: str, value: float, ends: bool = False) -> None:
    if not (0 <= value <= 1 if ends else 0 < value < 1):
        raise ValueError(f"{name.capitalize()}: got {value:g} ({100 * value:g} %), expected a share between 0 and 1.")


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name.capitalize()}: got {value:g}, expected a number above 0.")
