"""Whether confidence means what it says: of attempts made with confidence p, a share p should succeed.

Reliability diagram and expected calibration error as in Guo et al. 2017 (arXiv 1706.04599), with equally wide bins.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from robovlms.statistics.intervals import Estimate, wilson


@dataclass(frozen=True, slots=True)
class Bin:
    """The attempts whose confidence lies in [low, high): their mean confidence, and how many of them succeeded."""

    low: float
    high: float
    confidence: float
    success: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidence and success of ``n`` attempts go together.

    Attributes:
        bins: Those that hold attempts, from low confidence to high.
        error: Expected calibration error, in [0, 1]: the gap between confidence and success, a mean over attempts.
            Few attempts make it too large, since chance fills the gaps.
        discrimination: How often a success was made with more confidence than a failure, ties counting half (the area
            under the ROC curve); 0.5 says confidence tells nothing. None where all attempts ended alike.
        n: Attempts.
    """

    bins: tuple[Bin, ...]
    error: float
    discrimination: float | None
    n: int


def calibration(
    confidence: Float[np.ndarray, " n"], success: Bool[np.ndarray, " n"], num_bins: int = 10
) -> Calibration:
    """Compare confidence with outcome, attempt by attempt.

    Args:
        confidence: In [0, 1], one an attempt.
        success: Whether that attempt succeeded.
        num_bins: Equal parts of [0, 1]; a confidence of 1 belongs to the last.

    Raises:
        ValueError: No attempts, different lengths, or a confidence outside [0, 1].
    """
    confidence, success = np.asarray(confidence, np.float64), np.asarray(success, bool)
    if not len(confidence) or len(confidence) != len(success):
        raise ValueError(
            f"Calibration of {len(confidence)} confidences and {len(success)} outcomes: need as many, >= 1."
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError(f"Confidence must lie in [0, 1], got {confidence.min()} to {confidence.max()}.")
    index = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    bins = tuple(_bin(i, num_bins, confidence[index == i], success[index == i]) for i in np.unique(index).tolist())
    error = sum(b.success.n * abs(b.confidence - b.success.value) for b in bins) / len(confidence)
    return Calibration(bins, float(error), _discrimination(confidence, success), len(confidence))


def _bin(number: int, num_bins: int, confidence: np.ndarray, success: np.ndarray) -> Bin:
    rate = wilson(int(success.sum()), len(success))
    return Bin(number / num_bins, (number + 1) / num_bins, float(confidence.mean()), rate)


def _discrimination(confidence: np.ndarray, success: np.ndarray) -> float | None:
    failed, solved = np.sort(confidence[~success]), confidence[success]
    if not len(failed) or not len(solved):
        return None
    below, not_above = (np.searchsorted(failed, solved, side) for side in ("left", "right"))
    return float((below + not_above).mean() / 2 / len(failed))
