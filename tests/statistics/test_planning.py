"""Plans held against what the planned evaluation would then find."""

import numpy as np
import pytest

from robovlms.statistics.intervals import wilson
from robovlms.statistics.paired import mcnemar
from robovlms.statistics.planning import (
    episodes_for_mean,
    episodes_for_rate,
    pairs_for_mean,
    pairs_for_rate,
    pairs_to_decide,
)
from robovlms.statistics.sequential import decision


@pytest.mark.parametrize("margin", [0.03, 0.1])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.93])
def test_a_planned_rate_has_the_margin_and_one_episode_less_has_not(margin, rate):
    n = episodes_for_rate(margin, rate)

    def half(n):
        return max((w.high - w.low) / 2 for w in (wilson(int(rate * n), n), wilson(int(np.ceil(rate * n)), n)))

    assert half(n) <= margin
    assert half(n - 1) > margin or n == 1


def test_three_points_at_the_worst_rate():
    """1,067 by the textbook's z^2 p (1 - p) / margin^2; Wilson's interval is narrower by z^2."""
    assert abs(episodes_for_rate(0.03) - (1067.1 - 3.84)) < 2


def test_a_planned_mean_by_hand():
    assert episodes_for_mean(0.2, deviation=1.9) == np.ceil((1.959964 * 1.9 / 0.2) ** 2) == 347


@pytest.mark.parametrize(("difference", "disagreeing"), [(0.1, 0.3), (0.2, 0.4)])
def test_planned_pairs_find_the_difference_as_often_as_planned(difference, disagreeing):
    n, rng, found = pairs_for_rate(difference, disagreeing), np.random.default_rng(0), 0
    gained, lost = (disagreeing + difference) / 2, (disagreeing - difference) / 2
    draws = rng.multinomial(n, [gained, lost, 1 - disagreeing], size=600)
    found = np.mean([mcnemar(int(one), int(other)) < 0.05 for one, other, _ in draws])
    assert 0.72 < found < 0.85  # the exact test is a little cautious


def test_planned_pairs_of_means_find_the_difference_as_often_as_planned():
    n, rng = pairs_for_mean(0.4, deviation=2.0), np.random.default_rng(0)
    draws = rng.normal(0.4, 2.0, size=(2000, n))
    z = draws.mean(axis=1) / (draws.std(axis=1, ddof=1) / np.sqrt(n))
    assert 0.77 < (np.abs(z) > 1.96).mean() < 0.84


def test_stopping_is_planned_for_as_often_as_it_then_happens():
    gains, shares = np.array([-1.0, 0.0, 1.0]), np.array([0.1, 0.5, 0.4])
    n, rng = pairs_to_decide(gains, shares, 1.0, power=0.7), np.random.default_rng(9)
    found = [decision(np.zeros(n), rng.choice(gains, size=n, p=shares), 1.0) for _ in range(400)]
    assert 0.6 < np.mean([one is not None and one.better == 1 for one in found]) < 0.8
    assert pairs_to_decide(gains, np.array([0.25, 0.5, 0.25]), 1.0) is None


@pytest.mark.parametrize(
    "plan",
    [
        lambda: episodes_for_rate(0.0),
        lambda: episodes_for_rate(0.03, 1.2),
        lambda: episodes_for_mean(0.1, 0.0),
        lambda: pairs_for_rate(0.3, 0.2),
        lambda: pairs_for_rate(0.1, 0.2, power=1.0),
        lambda: pairs_for_mean(-1.0, 2.0),
        lambda: pairs_for_mean(float("nan"), 2.0),
    ],
)
def test_numbers_that_make_no_plan_are_refused(plan):
    with pytest.raises(ValueError, match="expected a"):
        plan()


@pytest.mark.parametrize("least", [1e-6, 1e-200, 5e-324])
@pytest.mark.parametrize(
    "plan",
    [
        episodes_for_rate,
        lambda margin: episodes_for_mean(margin, 1.0),
        lambda difference: pairs_for_rate(difference, 0.5),
        lambda difference: pairs_for_mean(difference, 1.0),
    ],
)
def test_what_no_evaluation_could_find_is_refused(plan, least):
    with pytest.raises(ValueError, match=r"more than 1,000,000,000 episodes"):
        plan(least)


def test_any_plan_has_an_episode():
    assert episodes_for_mean(1e9, 1.0) == 1
