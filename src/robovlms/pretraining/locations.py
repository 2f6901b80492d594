"""Places as words: 64 location tokens that stand for pixels, metres or degrees.

Pixels: one bin a pixel of a 64-pixel image, row first (as PaliGemma's ``<loc>`` tokens). Metres: bins are narrow near
zero, where a gripper has to be exact, and wide far away: 7 mm at 0, 16 mm at 0.2 m, 37 mm at 0.5 m. Degrees: the half
circle [-90, 90), because a block turned by 180 degrees looks the same.
"""

import re

import numpy as np

NUM_BINS = 64
METRIC_RANGE_M = 0.5
METRIC_KNEE_M = 0.1
_LOCATION = re.compile(r"<loc(\d\d)>")
_HALF = (NUM_BINS - 1) / 2
_STRETCH = np.arcsinh(METRIC_RANGE_M / METRIC_KNEE_M)


def location_token(index: int) -> str:
    """The token of bin ``index``."""
    return f"<loc{index:02d}>"


def from_bins(bins: list[int]) -> str:
    """Write bins as an answer, with no spaces."""
    return "".join(location_token(index) for index in bins)


def to_bins(answer: str) -> list[int]:
    """Read the bins in an answer; words between them are skipped."""
    return [int(index) for index in _LOCATION.findall(answer)]


def _clip(value: float) -> int:
    return int(np.clip(np.rint(value), 0, NUM_BINS - 1))


def pixel_bin(pixel: float) -> int:
    """Bin of a coordinate in pixels of a 64-pixel image; pixel 0 spans [0, 1)."""
    return _clip(np.floor(pixel))


def pixel_value(index: int) -> float:
    """Centre of a pixel bin."""
    return index + 0.5


def metric_bin(metres: float) -> int:
    """Bin of a signed distance; beyond half a metre it saturates."""
    return _clip(_HALF + _HALF * np.arcsinh(metres / METRIC_KNEE_M) / _STRETCH)


def metric_value(index: int) -> float:
    """Signed distance (m) at the centre of a metric bin."""
    return float(METRIC_KNEE_M * np.sinh((index - _HALF) / _HALF * _STRETCH))


def angle_bin(radians: float) -> int:
    """Bin of an angle modulo half a turn; 2.8 degrees wide."""
    return int((radians / np.pi + 0.5) % 1.0 * NUM_BINS) % NUM_BINS


def angle_value(index: int) -> float:
    """Angle (rad) at the centre of an angle bin, in [-pi/2, pi/2)."""
    return ((index + 0.5) / NUM_BINS - 0.5) * np.pi
