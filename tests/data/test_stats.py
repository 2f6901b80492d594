from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robovlms.actions.statistics import ActionStatistics
from robovlms.core.errors import CorruptData, UserError
from robovlms.data.row_sample import RowSample, rank_error
from robovlms.data.stats import CHANCE, StreamingStatistics, load_statistics, save_statistics


@pytest.fixture
def rows():
    return (np.random.default_rng(0).normal(size=(20_000, 3)) * [1, 0.01, 5] + [1000, 0, -3]).astype(np.float32)


def streamed(parts, keep, firsts=None):
    streaming = StreamingStatistics(keep)
    for part, first in zip(parts, firsts or [None] * len(parts), strict=True):
        streaming.add(part, first)
    return streaming


def test_streamed_in_memory_is_exact(rows):
    streaming = streamed(np.array_split(rows, 7), 20_000)
    assert streaming.result() == ActionStatistics.of(rows)
    assert streaming.rank_error == 0


def test_beyond_memory_only_quantiles_are_estimates(rows):
    streaming = streamed(np.array_split(rows, 13), 4000)
    found, exact = streaming.result(), ActionStatistics.of(rows)
    assert (found.count, found.min, found.max) == (exact.count, exact.min, exact.max)
    np.testing.assert_allclose(found.mean, exact.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.std, exact.std, rtol=1e-9)
    for got, wanted in ((found.q01, 0.01), (found.q99, 0.99)):
        rank = (rows <= got).mean(0)
        assert (np.abs(rank - wanted) <= streaming.rank_error).all()
        assert (rank != wanted).any()
    assert streamed([rows], 4000).result().q01 == found.q01  # the sample does not depend on how the rows arrived


def test_memory_is_bounded():
    sample = RowSample(100)
    for start in range(0, 50_000, 500):
        sample.add(np.zeros((500, 2)), np.arange(start, start + 500))
        assert sum(len(rows) for rows, _ in sample._parts) <= 700
    assert len(sample.rows()) == 100


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 600), max_size=5),
    keep=st.sampled_from([50, 599, 600, 1000]),
    order=st.randoms(use_true_random=False),
    offset=st.sampled_from([0.0, 1e6]),
)
def test_merged_shards_are_the_whole(cuts, keep, order, offset):
    rows = np.random.default_rng(5).standard_t(2, (600, 2)) + offset
    edges = [0, *sorted(cuts), 600]
    shards = [streamed([rows[a:b]], keep, [a]) for a, b in pairwise(edges)]
    order.shuffle(shards)
    merged = StreamingStatistics(keep)
    for shard in shards:
        merged.merge(shard)
    found, whole = merged.result(), streamed([rows], keep).result()
    assert (found.count, found.min, found.max) == (whole.count, whole.min, whole.max)
    assert (found.q01, found.q99) == (whole.q01, whole.q99)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(found.std, whole.std, rtol=1e-9)
    assert keep < 600 or found == ActionStatistics.of(rows)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from(["normal", "cauchy", "steps", "sorted"]),
    first=st.integers(0, 2**40),
    quantile=st.sampled_from([0.01, 0.5, 0.99]),
)
def test_ranks_are_off_by_no_more_than_stated(seed, shape, first, quantile):
    rng = np.random.default_rng(seed)
    values = {
        "normal": lambda: rng.normal(size=20_000),
        "cauchy": lambda: rng.standard_cauchy(20_000),
        "steps": lambda: rng.integers(0, 4, 20_000).astype(float),
        "sorted": lambda: np.sort(rng.normal(size=20_000)),
    }[shape]()
    sample = RowSample(1000)
    sample.add(values[:, None], np.arange(first, first + 20_000))
    got, bound = np.quantile(sample.rows(), quantile), rank_error(quantile, 1000, CHANCE)
    assert (values < got).mean() <= quantile + bound
    assert (values <= got).mean() >= quantile - bound


def test_the_bound_is_worth_having():
    assert rank_error(0.01, 1_000_000, CHANCE) < 0.0006
    assert rank_error(0.01, 10_000, CHANCE) > rank_error(0.01, 1_000_000, CHANCE)


def test_rows_that_stand_twice_and_numbers_that_are_not_finite_are_refused(rows):
    twice = streamed([rows[:10], rows[5:15]], 100, [0, 5])
    with pytest.raises(UserError, match="in common"):
        twice.result()
    with pytest.raises(UserError, match="not in row 1"):
        StreamingStatistics().add(np.array([[0.0], [np.nan]]))
    with pytest.raises(UserError, match="at least one row"):
        StreamingStatistics().result()


def test_files(tmp_path, rows):
    statistics = {"set": ActionStatistics.of(rows)}
    save_statistics(tmp_path / "a.json", statistics)
    assert load_statistics(tmp_path / "a.json") == statistics
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(CorruptData, match="is missing"):
        load_statistics(tmp_path / "b.json")
