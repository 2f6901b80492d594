"""The table of episodes while a store is filled: numbers for names in the order they appear, and the held-out split."""

import hashlib
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from robovlms.data.store.frames import EpisodeTable


class Row(NamedTuple):
    """An episode of a store: ``frames`` rows of its arrays, cut from the configured source number ``entry``.

    One that was left out has no frames, and ``damage`` says why.
    """

    frames: int
    instruction: str
    task: str
    source: str
    dataset: str
    entry: int
    damage: str = ""


class EpisodeRows:
    """The episodes of a store while it is filled."""

    def __init__(self) -> None:
        self.end = self._count = 0
        self.names: dict[str, dict[str, int]] = {n: {} for n in ("instructions", "tasks", "sources", "datasets")}
        self._rows: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return self._count

    def add(self, row: Row) -> None:
        """Append an episode at the end; one that was left out counts, but is not in the table."""
        self._count += 1
        if row.damage:
            return
        labels = (row.instruction, row.task, row.source, row.dataset)
        ids = (known.setdefault(label, len(known)) for known, label in zip(self.names.values(), labels, strict=True))
        self._rows.append((self.end, self.end + row.frames, *ids, row.entry))
        self.end += row.frames

    def table(self, holdout: Mapping[str, float]) -> EpisodeTable:
        """The finished table; ``holdout`` is the share of the sources to keep back, by data set."""
        columns = np.array(self._rows, np.int64).reshape(-1, 7).T
        sources, datasets = columns[4], columns[5]
        held: list[int] = []
        for name, number in self.names["datasets"].items():
            held += self._held_sources(sources[datasets == number], holdout[name])
        return EpisodeTable(*columns, np.isin(sources, held))

    def _held_sources(self, sources: np.ndarray, share: float) -> list[int]:
        """The first share of the sources in the order of the hash of their names: a rule, never a choice."""
        names = list(self.names["sources"])
        ranked = sorted(set(sources.tolist()), key=lambda s: hashlib.sha256(names[s].encode()).hexdigest())
        return ranked[: min(math.ceil(share * len(ranked)), len(ranked) - 1)]
