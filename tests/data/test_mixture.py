"""Samples from several data sets: in proportion to their weights, and a function of (seed, i) alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robovlms.core.errors import UserError
from robovlms.data.keyed import keyed_permutation
from robovlms.data.mixture import Mixture

sets = st.lists(st.tuples(st.integers(1, 60), st.floats(0.2, 5)), min_size=1, max_size=4)


def mixed(chosen, seed=0) -> tuple[Mixture, np.ndarray, np.ndarray]:
    windows, weights = np.array([n for n, _ in chosen]), np.array([w for _, w in chosen])
    while (np.diff(np.rint(windows.sum() * np.cumsum(weights) / weights.sum()), prepend=0) < 1).any():
        windows = windows * 5
    return Mixture(windows, weights.tolist(), seed), windows, weights


@settings(max_examples=40, deadline=None)
@given(sets, st.integers(0, 2**63 - 1), st.integers(1, 4))
def test_every_epoch_has_each_set_in_proportion_to_its_weight(chosen, seed, epochs):
    mixture, windows, weights = mixed(chosen, seed)
    numbers, _ = mixture.draw(np.arange(epochs * windows.sum()))
    owner = np.repeat(np.arange(len(windows)), windows)[numbers]
    for epoch in owner.reshape(epochs, -1):
        expected = weights / weights.sum() * windows.sum()
        assert (np.abs(np.bincount(epoch, minlength=len(windows)) - expected) <= 1).all()


@settings(max_examples=40, deadline=None)
@given(sets, st.integers(1, 3))
def test_the_windows_of_a_set_are_seen_equally_often(chosen, epochs):
    mixture, windows, _ = mixed(chosen)
    numbers, passes = mixture.draw(np.arange(epochs * windows.sum()))
    seen = np.bincount(numbers, minlength=windows.sum())
    for own in np.split(seen, np.cumsum(windows)[:-1]):
        assert own.max() - own.min() <= 1
    for number in np.unique(numbers):
        assert sorted(passes[numbers == number]) == list(range(seen[number]))


@settings(max_examples=40, deadline=None)
@given(sets, st.lists(st.integers(0, 10_000), min_size=1, max_size=20))
def test_a_sample_depends_on_nothing_but_its_number(chosen, samples):
    together = mixed(chosen)[0].draw(np.array(samples))
    alone = [mixed(chosen)[0].draw(np.array([sample])) for sample in samples]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


def test_orders_differ_by_seed_set_and_pass():
    windows, weights = np.array([40, 40]), (3.0, 1.0)
    numbers, passes = Mixture(windows, weights, 0).draw(np.arange(160))
    assert (numbers != Mixture(windows, weights, 1).draw(np.arange(160))[0]).any()
    first, second = (numbers[(numbers < 40) & (passes == turn)].tolist() for turn in (0, 1))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second


def test_without_weights_an_epoch_is_every_window_once():
    """The order of runs made before there were weights."""
    numbers, passes = Mixture(np.array([5, 0, 7]), None, 3).draw(np.arange(24))
    np.testing.assert_array_equal(numbers, np.concatenate([keyed_permutation(12, 3, epoch) for epoch in (0, 1)]))
    np.testing.assert_array_equal(passes, np.repeat([0, 1], 12))


def test_weights_that_come_to_nothing_are_refused():
    with pytest.raises(UserError, match=r"data\.1\.weight is 0\.01 of 1\.01: less than one of an epoch's 20 windows"):
        Mixture(np.array([10, 10]), (1, 0.01), 0)
    with pytest.raises(UserError, match=r"data\.1 has no window to train on"):
        Mixture(np.array([10, 0]), (1, 1), 0)
