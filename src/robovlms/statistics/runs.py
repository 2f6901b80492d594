"""Differences between two recipes, of which several training runs were scored: a run is what varies."""

import numpy as np
from jaxtyping import Float
from scipy.stats import t

from robovlms.statistics.intervals import Estimate


def run_difference(
    first: Float[np.ndarray, " n"], second: Float[np.ndarray, " m"], level: float = 0.95
) -> tuple[Estimate, float]:
    """How much more the second recipe scores on average, with Welch's interval (1947), and the test's p-value.

    A run's score holds the luck of its seed and of its episodes, so both are in the interval.

    Args:
        first: The score of each training run of the first recipe.
        second: The same of the second.
        level: Confidence, strictly between 0 and 1.

    Raises:
        ValueError: a recipe has less than two runs, which says nothing of how runs vary.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(f"Recipes: got {len(first)} and {len(second)} training runs, expected two or more of each.")
    value = float(np.mean(second) - np.mean(first))
    variances = [np.var(scores, ddof=1) / len(scores) for scores in (first, second)]
    if not (total := sum(variances)):  # no spread to judge by: certain of nothing
        return Estimate(value, -np.inf, np.inf, len(first) + len(second)), 1.0
    weights = [one**2 / (len(scores) - 1) for one, scores in zip(variances, (first, second), strict=True)]
    student = t(total**2 / sum(weights))
    half, statistic = student.ppf(0.5 + level / 2) * np.sqrt(total), abs(value) / np.sqrt(total)
    estimate = Estimate(value, float(value - half), float(value + half), len(first) + len(second))
    return estimate, float(2 * student.sf(statistic))
