import numpy as np
import pytest

from robovlms.actions.statistics import ActionStatistics
from robovlms.core.errors import CorruptData
from robovlms.data.stats import StreamingStatistics, load_statistics, save_statistics


@pytest.fixture
def rows():
    return (np.random.default_rng(0).normal(size=(20_000, 3)) * [1, 0.01, 5] + [1000, 0, -3]).astype(np.float32)


def test_streamed_in_memory_is_exact(rows):
    streaming = StreamingStatistics()
    for part in np.array_split(rows, 7):
        streaming.add(part)
    assert streaming.result() == ActionStatistics.of(rows)


def test_beyond_memory_only_quantiles_are_estimates(rows):
    streaming = StreamingStatistics(keep=4000)
    for part in np.array_split(rows, 13):
        streaming.add(part)
    found, exact = streaming.result(), ActionStatistics.of(rows)
    assert (found.count, found.min, found.max) == (exact.count, exact.min, exact.max)
    np.testing.assert_allclose(found.mean, exact.mean, rtol=1e-9)
    np.testing.assert_allclose(found.std, exact.std, rtol=1e-9)
    np.testing.assert_allclose(found.q99, exact.q99, atol=0.15 * np.array(exact.std).max())
    again = StreamingStatistics(keep=4000)
    again.add(rows)
    assert again.result().q01 == found.q01  # the sample does not depend on how the rows arrived


def test_files(tmp_path, rows):
    statistics = {"set": ActionStatistics.of(rows)}
    save_statistics(tmp_path / "a.json", statistics)
    assert load_statistics(tmp_path / "a.json") == statistics
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(CorruptData, match="is missing"):
        load_statistics(tmp_path / "b.json")
