"""Intervals against scipy, published values, and their own promise: coverage."""

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


@pytest.mark.parametrize("n", [20, 100])
def test_wilson_coverage_is_nominal(n):
    rates = np.linspace(0.02, 0.98, 97)
    bounds = np.array([(wilson(k, n).low, wilson(k, n).high) for k in range(n + 1)])
    inside = (bounds[:, :1] <= rates) & (rates <= bounds[:, 1:])
    coverage = (inside * stats.binom.pmf(np.arange(n + 1)[:, None], n, rates)).sum(0)
    assert abs(coverage.mean() - 0.95) < 0.01
    assert coverage.min() > 0.83  # the known dip near 0 and 1


def chain_lengths(rng, rate, shape):
    return np.logical_and.accumulate(rng.random((*shape, 5)) < rate, axis=-1).sum(-1).astype(float)


@pytest.mark.parametrize("rate", [0.5, 0.8])
def test_bootstrap_coverage_over_chains(rate):
    truth = sum(rate**k for k in range(1, 6))
    samples = chain_lengths(np.random.default_rng(3), rate, (600, 100))
    estimates = [bootstrap_mean(sample, num_resamples=1000) for sample in samples]
    coverage = np.mean([e.low <= truth <= e.high for e in estimates])
    assert 0.92 <= coverage <= 0.98


def test_bootstrap_agrees_with_scipy():
    sample = chain_lengths(np.random.default_rng(5), 0.7, (100,))
    theirs = stats.bootstrap((sample,), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    ours = bootstrap_mean(sample, bounds=(0, 5), num_resamples=20_000)
    assert ours.value == sample.mean()
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
