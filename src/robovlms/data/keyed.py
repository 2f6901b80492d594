"""Random numbers as a pure function of their keys, so that sample ``i`` never depends on what was drawn before it."""

from typing import Any

import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)


def keyed_uniform(*keys: Any) -> np.ndarray:
    """Uniform numbers in [0, 1), one for each broadcast tuple of integer ``keys``.

    The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) is applied once a key.
    """
    state = np.zeros(np.broadcast_shapes(*(np.shape(key) for key in keys)) or (1,), np.uint64)
    for key in keys:
        state = _mix(state + np.asarray(key).astype(np.int64).astype(np.uint64) + _STEP)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def keyed_permutation(size: int, seed: int, epoch: int, stream: int = 0) -> np.ndarray:
    """The order of ``size`` things in one epoch; orders of different ``stream`` have nothing in common."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, 0, stream])).permutation(size)


def _mix(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
