"""Statistics of actions and state: of a store's training episodes, or of a stream too large for memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Num

from robovlms.actions.statistics import COLUMNS, ActionStatistics
from robovlms.core.config import parse
from robovlms.core.errors import UserError
from robovlms.core.files import read_json, write_json
from robovlms.data.row_sample import RowSample, rank_error
from robovlms.data.store.frames import FrameStore

CHANCE = 1e-6
"""Probability with which a quantile of a sample may be further off than stated."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, sum of squared deviations and range of rows; those of parts merge (Chan, Golub and LeVeque 1979)."""

    count: int
    mean: Float64[np.ndarray, " d"]
    square: Float64[np.ndarray, " d"]
    low: Float64[np.ndarray, " d"]
    high: Float64[np.ndarray, " d"]

    @classmethod
    def of(cls, rows: Num[np.ndarray, "n d"]) -> "Moments":
        """Moments of at least one row."""
        wide = rows.astype(np.float64)
        mean = wide.mean(0)
        return cls(len(wide), mean, ((wide - mean) ** 2).sum(0), wide.min(0), wide.max(0))

    def merge(self, other: "Moments") -> "Moments":
        """Moments of the rows of both."""
        count = self.count + other.count
        gap = other.mean - self.mean
        return Moments(
            count,
            self.mean + gap * (other.count / count),
            self.square + other.square + gap**2 * (self.count * other.count / count),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


class StreamingStatistics:
    """Statistics of rows that arrive in parts, in bounded memory; those of shards merge into those of the whole.

    Mean, deviation, range and count are exact. Quantiles are exact up to ``keep`` rows; beyond, they are those of a
    sample of ``keep`` rows (see ``RowSample``) and their rank is off by at most ``rank_error``.
    """

    def __init__(self, keep: int = 1_000_000):
        self.keep = keep
        self._moments: Moments | None = None
        self._sample = RowSample(keep)

    @property
    def count(self) -> int:
        """Number of rows."""
        return self._moments.count if self._moments else 0

    @property
    def rank_error(self) -> float:
        """q01 lies between the quantiles 0.01 - this and 0.01 + this, q99 likewise, but for a chance of ``CHANCE``."""
        return rank_error(0.01, self.keep, CHANCE) if self.count > self.keep else 0.0

    def add(self, rows: Num[np.ndarray, "n d"], first: int | None = None) -> None:
        """Take in more rows. Those of shards to be merged need numbers of their own: ``first`` is the first one's.

        Raises:
            UserError: A number is not finite.
        """
        if not len(rows):
            return
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            raise UserError(f"Statistics need finite numbers: got one that is not in row {bad[0][0]} of a part.")
        start = self.count if first is None else first
        self._sample.add(rows, np.arange(start, start + len(rows)))
        self._absorb(Moments.of(rows))

    def merge(self, other: "StreamingStatistics") -> None:
        """Take in the statistics of other rows of the same data."""
        self._sample.merge(other._sample)
        if other._moments:
            self._absorb(other._moments)

    def result(self) -> ActionStatistics:
        """Statistics of everything added.

        Raises:
            UserError: Nothing was added, or a row twice.
        """
        if self._moments is None:
            raise UserError("Statistics need at least one row: got none.")
        sampled, exact = ActionStatistics.of(self._sample.rows()), self._moments
        if self.count <= self.keep:
            return sampled
        deviation = np.sqrt(exact.square / exact.count)
        columns = {"mean": exact.mean, "std": deviation, "min": exact.low, "max": exact.high}
        listed = {name: tuple(column.tolist()) for name, column in columns.items()}
        return sampled.model_copy(update={"count": exact.count, **listed})

    def rows(self) -> Num[np.ndarray, "n d"]:
        """The rows remembered: all, or a sample of ``keep`` in which each is equally likely."""
        return self._sample.rows()

    def _absorb(self, part: Moments) -> None:
        self._moments = self._moments.merge(part) if self._moments else part


def action_statistics(store: FrameStore) -> dict[str, ActionStatistics]:
    """Statistics of the training episodes' actions, by embodiment."""
    found = {}
    for number, name in enumerate(store.datasets):
        mine = np.flatnonzero((store.episodes.dataset_ids == number) & ~store.episodes.held_out)
        found[name] = ActionStatistics.of(store.actions_of(name, store.frames_of(mine)))
    return found


def state_statistics(store: FrameStore) -> ActionStatistics | None:
    """Statistics of the training episodes' state over all embodiments that have a column; None without a state."""
    if not store.state.shape[1]:
        return None
    state = store.state[store.frames_of(store.training_episodes)]
    columns = [ActionStatistics.of(column[~np.isnan(column)][:, None]) for column in state.T]
    joined = {name: tuple(getattr(column, name)[0] for column in columns) for name in COLUMNS}
    return ActionStatistics(count=len(state), **joined)


def save_statistics(path: Path, statistics: Mapping[str, ActionStatistics]) -> None:
    """Write statistics by embodiment as JSON, atomically."""
    write_json(path, {name: values.model_dump(mode="json") for name, values in statistics.items()})


def load_statistics(path: Path) -> dict[str, ActionStatistics]:
    """Read what ``save_statistics`` wrote."""
    return {name: parse(ActionStatistics, values, f"{path}, '{name}'") for name, values in read_json(path).items()}
