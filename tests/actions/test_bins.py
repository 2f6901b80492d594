"""Bins: half a bin is the most a value moves; edges, ends and what cannot be binned."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robovlms.actions.bins import UPSTREAM_RESERVE, ActionTokens, UniformBins
from robovlms.core.errors import UserError


@st.composite
def any_bins(draw):
    low = draw(st.floats(-10, 9))
    return UniformBins(draw(st.integers(1, 300)), low, low + draw(st.floats(0.1, 10)), draw(st.booleans()))


shares = hnp.arrays(np.float64, 20, elements=st.floats(0, 1))


@settings(max_examples=150, deadline=None)
@given(bins=any_bins(), share=shares, dtype=st.sampled_from([np.float32, np.float64]))
def test_a_round_trip_costs_at_most_half_a_bin(bins, share, dtype):
    values = (bins.low + share * (bins.high - bins.low)).clip(bins.low, bins.high).astype(dtype)
    index = bins.encode(values)
    width = (bins.high - bins.low) / bins.num_bins
    rounding = np.finfo(dtype).eps * max(abs(bins.low), abs(bins.high))
    assert np.abs(bins.decode(index) - values).max() <= width / 2 + 2 * rounding
    assert index.min() >= 0
    assert index.max() < bins.num_indices
    theirs = bins.encode(torch.from_numpy(values))
    assert theirs.dtype == torch.int64
    np.testing.assert_array_equal(theirs.numpy(), index)
    np.testing.assert_allclose(bins.decode(theirs).numpy(), bins.decode(index), rtol=1e-6, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(bins=any_bins())
def test_a_centre_is_its_own_bin(bins):
    index = np.arange(bins.num_bins)
    np.testing.assert_array_equal(bins.encode(bins.centres), index)
    np.testing.assert_array_equal(bins.encode(bins.edges[:-1]), index)  # a border belongs to the bin above it


def test_the_default_has_256_bins_and_the_ends_belong_to_the_outer_ones():
    bins = UniformBins()
    values = np.array([-np.finfo(float).max, -1.5, -1.0, -1e-9, 0.0, 1.0, 1.0000001, 1.5])
    assert bins.encode(values).tolist() == [0, 0, 0, 127, 128, 255, 255, 255]
    assert bins.decode(np.array([0, 255])).tolist() == [-1 + 1 / 256, 1 - 1 / 256]
    assert bins.num_indices == 256


def test_upstreams_bins_have_255_centres_and_an_index_for_one():
    bins = UniformBins.upstream()
    assert (len(bins.edges), len(bins.centres), bins.num_indices) == (256, 255, 256)
    assert bins.encode(np.array([1.0, 1 - 1e-9, -1.0])).tolist() == [255, 254, 0]
    assert bins.decode(np.array([254, 255, -3, 999])).tolist() == bins.centres[[254, 254, 0, 254]].tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("make_array", [np.array, torch.tensor])
def test_what_is_not_finite_is_refused(bad, make_array):
    with pytest.raises(UserError, match="NaN or infinity"):
        UniformBins().encode(make_array([0.0, bad]))


def test_bins_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="expected 1 or more"):
        UniformBins(0)
    with pytest.raises(UserError, match=r"over \[1, 1\]"):
        UniformBins(4, 1.0, 1.0)


def test_tokens_count_down_from_the_end_of_the_vocabulary():
    tokens = ActionTokens.at_tail(UniformBins(4), vocab_size=100)
    assert tokens.encode(np.array([-1.0, -0.4, 0.4, 1.0])).tolist() == [99, 98, 97, 96]
    assert tokens.decode(np.array([99, 98, 97, 96])).tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert list(tokens.ids) == [96, 97, 98, 99]
    assert tokens.contains(np.array([95, 96, 99, 100])).tolist() == [False, True, True, False]
    assert tokens.encode(torch.tensor([[0.4]])).tolist() == [[97]]


def test_upstreams_base_leaves_room_above():
    tokens = ActionTokens.at_tail(UniformBins.upstream(), 512, num_special=57, reserve=UPSTREAM_RESERVE)
    assert (tokens.base, tokens.first) == (445, 189)


def test_a_vocabulary_too_small_is_refused():
    with pytest.raises(UserError, match="room for 200 ids, expected 256"):
        ActionTokens.at_tail(UniformBins(), 210, reserve=10)
