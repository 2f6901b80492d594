"""A test that may be looked at after every episode: how often it errs, and how soon it decides."""

import numpy as np
import pytest

from robovlms.statistics.paired import mcnemar
from robovlms.statistics.sequential import decision, evidence, interval, p_value

CHAIN = np.arange(6.0)


def chains(rng, shares, size):
    return rng.choice(CHAIN, p=shares, size=size)


def test_two_equal_policies_are_told_apart_in_less_than_one_run_of_twenty():
    """500 looks at each of 400 pairs of equal policies; looking at a fixed test as often errs in a third of them."""
    rng = np.random.default_rng(0)
    shares = [0.15, 0.2, 0.15, 0.15, 0.1, 0.25]
    wrong = sum(decision(chains(rng, shares, 500), chains(rng, shares, 500), 5.0) is not None for _ in range(400))
    assert wrong / 400 <= 0.05


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_stopping_as_soon_as_it_decides_errs_no_more_often_than_promised(alpha):
    """Two policies of equal skill that meet the same episodes, hard ones and easy ones, looked at after each of 300."""
    rng, runs, wrong = np.random.default_rng(3), 1000, 0
    for _ in range(runs):
        solve = rng.uniform(0.2, 0.95, 300)
        first, second = (np.minimum(rng.geometric(1 - solve) - 1, 5.0) for _ in range(2))
        wrong += decision(first, second, 5.0, 1 - alpha) is not None
    assert wrong / runs <= alpha


def test_a_fixed_test_looked_at_as_often_errs_far_more():
    """Why it takes another one: McNemar's after every twentieth of 300 episodes."""
    rng, runs, wrong, ours = np.random.default_rng(4), 100, 0, 0
    for _ in range(runs):
        first, second = rng.random((2, 300)) < rng.uniform(0.2, 0.9, 300)
        gained, lost = np.cumsum(~first & second), np.cumsum(first & ~second)
        wrong += any(mcnemar(int(lost[n]), int(gained[n])) < 0.05 for n in range(19, 300, 20))
        ours += decision(first * 1.0, second * 1.0, 1.0) is not None
    assert wrong / runs > 0.12
    assert ours / runs <= 0.05


def test_the_interval_covers_where_one_stops_and_a_fixed_one_does_not():
    """Stopped at the decision: such samples are those that happened to look decided."""
    rng = np.random.default_rng(5)
    weak, strong = [0.4, 0.2, 0.15, 0.1, 0.05, 0.1], [0.3, 0.2, 0.15, 0.1, 0.1, 0.15]
    truth, held, fixed = float(CHAIN @ strong - CHAIN @ weak), [], []
    for _ in range(300):
        first, second = chains(rng, weak, 400), chains(rng, strong, 400)
        found = decision(first, second, 5.0)
        n = found.n if found else 400
        gaps = (second - first)[:n]
        ours, half = interval(gaps, (-5.0, 5.0)), 1.96 * gaps.std(ddof=1) / np.sqrt(n)
        held.append(ours.low <= truth <= ours.high)
        fixed.append(abs(gaps.mean() - truth) <= half)
    assert np.mean(held) >= 0.95
    assert np.mean(fixed) < 0.93


def test_interval_p_value_and_decision_say_the_same():
    rng = np.random.default_rng(6)
    for better in (0.0, 0.2, 0.4):
        for _ in range(10):
            first, second = rng.random(80) < 0.3, rng.random(80) < 0.3 + better
            found, held = decision(first * 1.0, second * 1.0, 1.0), interval(second * 1.0 - first, (-1.0, 1.0))
            assert (found is not None) == (held.low > 0 or held.high < 0)
            assert (found is not None) == (p_value(first * 1.0, second * 1.0, 1.0) <= 0.05)
            assert held.low <= held.value <= held.high


def test_the_interval_narrows_to_a_rate():
    values = (np.random.default_rng(7).random(3000) < 0.8) * 1.0
    wide, narrow = interval(values[:100], (0.0, 1.0)), interval(values, (0.0, 1.0))
    assert wide.low < narrow.low < 0.8 < narrow.high < wide.high
    assert narrow.high - narrow.low < 0.08
    assert interval(np.ones(3), (0.0, 1.0)).high == 1
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval(np.array([2.0]), (0.0, 1.0))


def test_the_better_policy_is_found_and_soon():
    rng = np.random.default_rng(1)
    weak, strong = [0.4, 0.2, 0.15, 0.1, 0.05, 0.1], [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
    found = [decision(chains(rng, weak, 500), chains(rng, strong, 500), 5.0) for _ in range(100)]
    assert all(one is not None and one.better == 1 for one in found)
    assert np.median([one.n for one in found if one]) < 60


def test_it_says_which_one_is_better():
    worse, better = np.zeros(60), np.ones(60)
    assert decision(worse, better, 1.0).better == 1
    assert decision(better, worse, 1.0).better == -1
    assert decision(worse, worse, 1.0) is None


def test_a_decision_rests_on_the_episodes_before_it_alone():
    rng = np.random.default_rng(2)
    first, second = rng.random(100) < 0.2, rng.random(100) < 0.7
    found = decision(first * 1.0, second * 1.0, 1.0)
    assert found is not None
    assert decision(first[: found.n] * 1.0, second[: found.n] * 1.0, 1.0) == found
    assert decision(first[: found.n - 1] * 1.0, second[: found.n - 1] * 1.0, 1.0) is None


def test_the_fortune_by_hand():
    """The first bet is capped at a half."""
    for_second, for_first = evidence(np.zeros(1), np.ones(1), 1.0)
    assert (for_second[0], for_first[0]) == (1.5, 0.5)


def test_scores_beyond_the_span_are_refused():
    with pytest.raises(ValueError, match="differ by up to 5, expected 1"):
        evidence(np.zeros(3), np.full(3, 5.0), 1.0)
    with pytest.raises(ValueError, match="3 and 2 episodes"):
        evidence(np.zeros(3), np.zeros(2), 1.0)
