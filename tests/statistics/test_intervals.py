"""Intervals against scipy and published values."""

import numpy as np
import pytest
from scipy import stats

from robovlms.statistics.intervals import bootstrap_mean, wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (37, 100), (100, 100), (1, 1), (523, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_agrees_with_scipy(successes, n, level):
    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    estimate = wilson(successes, n, level)
    assert estimate.value == successes / n
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_published_example():
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263.
    estimate = wilson(81, 263)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def chain_lengths(rng, rate, shape):
    return np.logical_and.accumulate(rng.random((*shape, 5)) < rate, axis=-1).sum(-1).astype(float)


def test_bootstrap_agrees_with_scipy():
    sample = chain_lengths(np.random.default_rng(5), 0.7, (100,))
    theirs = stats.bootstrap((sample,), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    ours = bootstrap_mean(sample, bounds=(0, 5), num_resamples=20_000)
    assert ours.value == sample.mean()
    wider = np.sqrt(100 / 99) * stats.t.ppf(0.975, 99) / stats.norm.ppf(0.975)  # Hesterberg's expansion
    assert ours.high - ours.low == pytest.approx(wider * (theirs.high - theirs.low), rel=0.02)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)
    assert bootstrap_mean(sample) == bootstrap_mean(sample[::-1])


def test_perfect_chains_are_not_certain():
    perfect = bootstrap_mean(np.full(100, 5.0), bounds=(0, 5))
    assert perfect.value == perfect.high == 5.0
    assert 4.7 < perfect.low < 4.9
    assert bootstrap_mean(np.full(4, 2.0)).low == 2.0


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, n)


@pytest.mark.parametrize("values", [[], [1.0, np.nan]])
def test_impossible_values(values):
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean(np.array(values))
