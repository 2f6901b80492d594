"""Paired comparisons: by hand and against scipy."""

import numpy as np
import pytest
from scipy import stats

from robovlms.statistics.paired import mcnemar, mean_difference, rate_difference
from robovlms.statistics.runs import run_difference


def test_mcnemar_by_hand():
    assert mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert mcnemar(9, 1) == mcnemar(1, 9)
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1
    with pytest.raises(ValueError, match="-1"):
        mcnemar(-1, 3)


def test_mcnemar_is_a_test_of_its_level():
    """Two equal policies are told apart in at most one comparison of twenty."""
    disagreeing = 30
    chances = stats.binom.pmf(np.arange(disagreeing + 1), disagreeing, 0.5)
    told_apart = [mcnemar(k, disagreeing - k) < 0.05 for k in range(disagreeing + 1)]
    assert 0.02 < chances[told_apart].sum() <= 0.05


def test_pairing_takes_difficulty_out():
    rng = np.random.default_rng(2)
    difficulty = rng.normal(0, 3, 100)
    first, second = difficulty + rng.normal(size=100), difficulty + 1 + rng.normal(size=100)
    paired = mean_difference(first, second, span=100.0)
    shuffled = mean_difference(first, rng.permutation(second), span=100.0)
    assert paired.high - paired.low < (shuffled.high - shuffled.low) / 2


def test_agreement_everywhere_is_not_certainty():
    same = np.ones(50, bool)
    rates, lengths = rate_difference(same, same), mean_difference(same * 5.0, same * 5.0, span=5.0)
    assert rates.value == lengths.value == 0
    assert rates.low < 0 < rates.high
    assert lengths.low < 0 < lengths.high


@pytest.mark.parametrize(("first", "second"), [(3, 2), (0, 0)])
def test_rows_that_are_no_pairs_are_refused(first, second):
    with pytest.raises(ValueError, match=f"{first} and {second}"):
        rate_difference(np.ones(first, bool), np.ones(second, bool))
    with pytest.raises(ValueError, match=f"{first} and {second}"):
        mean_difference(np.ones(first), np.ones(second), span=1.0)


def test_run_differences_agree_with_scipy():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 1, 3), rng.normal(1, 3, 5)
    expected = stats.ttest_ind(second, first, equal_var=False)
    estimate, p_value = run_difference(first, second, level=0.9)
    assert p_value == pytest.approx(expected.pvalue)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    assert estimate.n == 8


def test_runs_without_spread_prove_nothing():
    estimate, p_value = run_difference(np.zeros(2), np.ones(2))
    assert (estimate.low, estimate.high, p_value) == (-np.inf, np.inf, 1.0)
    with pytest.raises(ValueError, match="1 and 2"):
        run_difference(np.zeros(1), np.ones(2))
