"""Statistics of actions and state: of a store's training episodes, or of a stream too large for memory."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Num

from robovlms.actions.statistics import COLUMNS, ActionStatistics
from robovlms.core.config import parse
from robovlms.core.files import read_json, write_json
from robovlms.data.keyed import keyed_uniform
from robovlms.data.store import FrameStore


class StreamingStatistics:
    """Statistics of rows that arrive in parts.

    Mean, deviation, range and count are exact. Quantiles are exact up to ``keep`` rows; beyond, they are those of a
    fixed sample of ``keep`` rows in which every row is equally likely (bottom-k sampling by a hash of the row number).
    """

    def __init__(self, keep: int = 1_000_000):
        self.keep, self.count = keep, 0
        self._sum = self._square = np.zeros(0)
        self._shift = self._low = self._high = np.zeros(0)
        self._rows, self._order = np.zeros((0, 0), np.float32), np.zeros(0)

    def add(self, rows: Num[np.ndarray, "n d"]) -> None:
        """Take in more rows."""
        if not len(rows):
            return
        wide = rows.astype(np.float64)
        if not self.count:
            self._shift, zero = wide[0], np.zeros(wide.shape[1])  # sums around a typical value lose no digits
            self._sum, self._square, self._low, self._high = zero, zero, wide[0], wide[0]
            self._rows = np.zeros((0, wide.shape[1]), rows.dtype)
        self._sum = self._sum + (wide - self._shift).sum(0)
        self._square = self._square + ((wide - self._shift) ** 2).sum(0)
        self._low, self._high = np.minimum(self._low, wide.min(0)), np.maximum(self._high, wide.max(0))
        order = keyed_uniform(np.arange(self.count, self.count + len(rows)))
        self.count += len(rows)
        self._sample(np.concatenate([self._rows, rows]), np.concatenate([self._order, order]))

    def result(self) -> ActionStatistics:
        """Statistics of everything added."""
        if self.count <= self.keep:
            return ActionStatistics.of(self._rows)
        mean = self._sum / self.count
        std = np.sqrt(np.maximum(self._square / self.count - mean**2, 0))
        exact = {"mean": mean + self._shift, "std": std, "min": self._low, "max": self._high}
        columns = {name: tuple(column.tolist()) for name, column in exact.items()}
        return ActionStatistics.of(self._rows).model_copy(update={"count": self.count, **columns})

    def _sample(self, rows: np.ndarray, order: np.ndarray) -> None:
        if len(rows) > self.keep:
            kept = np.sort(np.argpartition(order, self.keep)[: self.keep])
            rows, order = rows[kept], order[kept]
        self._rows, self._order = rows, order


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
