"""Which window each sample of a stream is: data sets by their weights, and each window of a set equally often.

An epoch has as many samples as there are windows. Every data set has the same quota in each epoch, its share of the
weights, and goes on through its own windows where it stopped, in a new order at each pass. So after any whole epoch
the windows of a set differ by one at most in how often they were seen, and sample ``i`` is a function of (seed, i).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from robovlms.core.errors import UserError
from robovlms.data.keyed import keyed_permutation

Numbers = Int[np.ndarray, " b"]


class Mixture:
    """Draws from ``d`` data sets whose windows are numbered one set after the other."""

    def __init__(self, windows: Int[np.ndarray, " d"], weights: Sequence[float] | None, seed: int):
        """Divide an epoch among the data sets.

        Args:
            windows: How many each has.
            weights: What share of the samples each gets, in any unit; in proportion to its windows when None.
            seed: Of all orders.

        Raises:
            UserError: A data set has a weight but no window, or too little weight for one sample an epoch.
        """
        self.windows, self.seed, self.size = windows, seed, int(windows.sum())
        self.quotas = windows if weights is None else _quotas(windows, np.asarray(weights, float))
        self._first = np.cumsum(windows) - windows
        self._ends = np.cumsum(self.quotas)
        self._order = lru_cache(maxsize=2)(lambda epoch: keyed_permutation(self.size, seed, epoch))
        live = int((self.quotas // np.maximum(windows, 1) + 2).sum())
        self._own_order = lru_cache(maxsize=live)(self._own_order_of)

    def draw(self, samples: Numbers) -> tuple[Numbers, Numbers]:
        """The window of each sample, and how often its data set had been gone through before."""
        epochs, places = samples // self.size, samples % self.size
        slots = _each(self._order, zip(epochs, strict=True), places)
        sets = np.searchsorted(self._ends, slots, side="right")
        turns = slots - (self._ends - self.quotas)[sets] + epochs * self.quotas[sets]
        passes, places = turns // self.windows[sets], turns % self.windows[sets]
        return self._first[sets] + _each(self._own_order, zip(sets, passes, strict=True), places), passes

    def _own_order_of(self, number: int, turn: int) -> np.ndarray:
        windows = int(self.windows[number])
        if self.quotas[number] == windows:  # an epoch is a pass, whose order is shuffled already
            return np.arange(windows)
        return keyed_permutation(windows, self.seed, turn, stream=number + 1)


def _each(order: Callable[..., np.ndarray], keys: Iterable[tuple[int, ...]], places: Numbers) -> Numbers:
    return np.array([order(*map(int, key))[place] for key, place in zip(keys, places, strict=True)], np.int64)


def _quotas(windows: Int[np.ndarray, " d"], weights: np.ndarray) -> Int[np.ndarray, " d"]:
    """Samples of each data set in an epoch: its share, rounded so that all of them are an epoch."""
    size, ends = windows.sum(), np.cumsum(weights / weights.sum())
    quotas = np.diff(np.rint(size * ends).astype(np.int64), prepend=0)
    for number in np.flatnonzero(windows == 0):
        raise UserError(f"data.{number} has no window to train on, so it cannot have a weight. Lower its holdout.")
    for number in np.flatnonzero(quotas == 0):
        raise UserError(
            f"data.{number}.weight is {weights[number]:g} of {weights.sum():g}: less than one of an epoch's {size} "
            f"windows. Give at least {weights.sum() / size:.2g}, or leave the data set out."
        )
    return quotas
