"""A test that may be looked at after every episode: how often it errs, and how soon it decides."""

import numpy as np
import pytest

from robovlms.statistics.sequential import decision, evidence

CHAIN = np.arange(6.0)


def chains(rng, shares, size):
    return rng.choice(CHAIN, p=shares, size=size)


def test_two_equal_policies_are_told_apart_in_less_than_one_run_of_twenty():
    """500 looks at each of 400 pairs of equal policies; looking at a fixed test as often errs in a third of them."""
    rng = np.random.default_rng(0)
    shares = [0.15, 0.2, 0.15, 0.15, 0.1, 0.25]
    wrong = sum(decision(chains(rng, shares, 500), chains(rng, shares, 500), 5.0) is not None for _ in range(400))
    assert wrong / 400 <= 0.05


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
