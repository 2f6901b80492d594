"""Calibration by hand, against scikit-learn's published example of the ROC area, and where it must say no."""

import numpy as np
import pytest

from robovlms.statistics.calibration import calibration
from robovlms.statistics.intervals import wilson


def test_bins_and_error_by_hand():
    found = calibration(np.array([0.15, 0.19, 0.95, 0.97, 0.99, 1.0]), np.array([True, False, True, True, True, False]))
    low, high = found.bins
    assert (low.low, low.high, high.low, high.high) == (0.1, 0.2, 0.9, 1.0)
    assert (low.confidence, high.confidence) == (pytest.approx(0.17), pytest.approx(0.9775))
    assert (low.success, high.success) == (wilson(1, 2), wilson(3, 4))
    assert found.error == pytest.approx((2 * (0.5 - 0.17) + 4 * (0.9775 - 0.75)) / 6)
    assert found.n == 6


def test_confidence_that_means_what_it_says_has_no_error():
    confidence = np.repeat([0.25, 0.75], [40, 40])
    success = np.concatenate([np.arange(40) < 10, np.arange(40) < 30])
    assert calibration(confidence, success).error == pytest.approx(0)
    assert calibration(1 - confidence, success).error == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("confidence", "success", "area"),
    [
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),  # the example in the documentation of sklearn's roc_auc_score
        ([0.2, 0.3, 0.9], [0, 0, 1], 1.0),
        ([0.9, 0.3, 0.2], [0, 0, 1], 0.0),
        ([0.5, 0.5], [0, 1], 0.5),
        ([0.5, 0.6], [1, 1], None),
    ],
)
def test_discrimination(confidence, success, area):
    assert calibration(np.array(confidence), np.array(success, bool)).discrimination == area


@pytest.mark.parametrize(
    ("confidence", "success", "message"),
    [
        ([], [], "need as many"),
        ([0.5, 1.1], [True, True], r"\[0, 1\], got 0.5 to 1.1"),
        ([float("nan")], [True], "got nan"),
    ],
)
def test_what_is_no_confidence_is_refused(confidence, success, message):
    with pytest.raises(ValueError, match=message):
        calibration(np.array(confidence, float), np.array(success, bool))
