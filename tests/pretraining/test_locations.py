import numpy as np
import pytest

from robovlms.pretraining.locations import (
    NUM_BINS,
    angle_bin,
    angle_value,
    from_bins,
    metric_bin,
    metric_value,
    pixel_bin,
    pixel_value,
    to_bins,
)


@pytest.mark.parametrize(
    ("to_bin", "to_value"), [(metric_bin, metric_value), (pixel_bin, pixel_value), (angle_bin, angle_value)]
)
def test_values_of_bins_return_to_their_bins(to_bin, to_value):
    assert [to_bin(to_value(index)) for index in range(NUM_BINS)] == list(range(NUM_BINS))


def test_distances_are_finest_near_zero_as_documented():
    widths = np.diff([metric_value(index) for index in range(NUM_BINS)])
    assert widths.min() == pytest.approx(0.0073, abs=2e-4)
    assert widths[31] == widths.min()
    assert np.interp(0.2, [metric_value(i) for i in range(1, NUM_BINS)], widths) == pytest.approx(0.016, abs=1e-3)


def test_out_of_range_saturates():
    assert metric_bin(3.0) == NUM_BINS - 1
    assert metric_bin(-3.0) == 0
    assert pixel_bin(64.0) == NUM_BINS - 1


def test_angles_repeat_after_half_a_turn():
    assert angle_bin(0.3) == angle_bin(0.3 + np.pi) == angle_bin(0.3 - np.pi)


def test_answers_are_read_back():
    assert to_bins(from_bins([3, 0, 63])) == [3, 0, 63]
    assert to_bins("on the table") == []
