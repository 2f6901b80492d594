"""What a 95 % interval promises: in 93 to 97 % of simulated evaluations it holds the truth it was simulated from."""

import numpy as np
import pytest
from scipy import stats

from robovlms.statistics.intervals import bootstrap_mean, wilson
from robovlms.statistics.paired import mean_difference, rate_difference

POWERS = np.arange(1, 6)


def covers(estimates, truth):
    return np.mean([one.low <= truth <= one.high for one in estimates])


def chain_lengths(rng, rates):
    """Tasks solved in a row, of five that each succeed at ``rates``."""
    return np.logical_and.accumulate(rng.random((*rates.shape, 5)) < rates[..., None], axis=-1).sum(-1).astype(float)


@pytest.mark.parametrize("n", [50, 100, 500])
def test_wilson(n):
    """Exactly, over all outcomes: on average over rates, and at all but a few of them, where counts jump."""
    rates = np.linspace(0.05, 0.95, 181)
    bounds = np.array([(wilson(k, n).low, wilson(k, n).high) for k in range(n + 1)])
    inside = (bounds[:, :1] <= rates) & (rates <= bounds[:, 1:])
    coverage = (inside * stats.binom.pmf(np.arange(n + 1)[:, None], n, rates)).sum(0)
    assert 0.945 < coverage.mean() < 0.955
    assert np.mean((coverage >= 0.93) & (coverage <= 0.97)) > 0.9
    assert coverage.min() > 0.92


def test_wilson_at_the_ends():
    """Where a handful of episodes decide."""
    rates = np.linspace(0.005, 0.05, 91)
    bounds = np.array([(wilson(k, 100).low, wilson(k, 100).high) for k in range(101)])
    inside = (bounds[:, :1] <= rates) & (rates <= bounds[:, 1:])
    coverage = (inside * stats.binom.pmf(np.arange(101)[:, None], 100, rates)).sum(0)
    assert 0.89 < coverage.min() < 0.93
    assert 0.97 < coverage.max() < 0.985


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.93])
def test_bootstrap_over_chains(rate):
    samples = chain_lengths(np.random.default_rng(3), np.full((1500, 100), rate))
    found = [bootstrap_mean(sample, bounds=(0, 5), num_resamples=800) for sample in samples]
    assert 0.93 <= covers(found, (rate**POWERS).sum()) <= 0.97


@pytest.mark.parametrize("better", [0.0, 0.1])
def test_bootstrap_over_pairs_of_chains(better, monkeypatch):
    """Episodes of different difficulty, met by two policies, of which the second is better."""
    few = 800
    monkeypatch.setattr(
        "robovlms.statistics.paired.bootstrap_mean", lambda *a, **k: bootstrap_mean(*a, **k, num_resamples=few)
    )
    rng = np.random.default_rng(1)
    rates = rng.uniform(0.4, 0.85, (1000, 150))
    pairs = zip(chain_lengths(rng, rates), chain_lengths(rng, rates + better), strict=True)
    found = [mean_difference(first, second, span=5.0) for first, second in pairs]
    truth = ((rates[..., None] + better) ** POWERS - rates[..., None] ** POWERS).sum(-1).mean()
    assert 0.93 <= covers(found, truth) <= 0.97


@pytest.mark.parametrize("better", [0.0, 0.1])
def test_differences_of_rates_over_pairs(better):
    rng = np.random.default_rng(0)
    rates = rng.beta(2, 2, (2000, 100)) * 0.9
    draws = rng.random((2, 2000, 100))
    found = [rate_difference(*pair) for pair in zip(draws[0] < rates, draws[1] < rates + better, strict=True)]
    assert 0.93 <= covers(found, better) <= 0.97
    apart = np.mean([one.low > 0 or one.high < 0 for one in found])
    assert apart <= 0.07 if better == 0 else apart > 0.2


def test_an_interval_a_quarter_too_narrow_would_be_noticed():
    samples = chain_lengths(np.random.default_rng(3), np.full((1500, 100), 0.8))
    found = [bootstrap_mean(sample, level=0.86, num_resamples=800) for sample in samples]
    assert covers(found, (0.8**POWERS).sum()) < 0.93
