"""A sample of fixed size from a stream of rows of any length, the same however the rows were split and ordered."""

import math

import numpy as np
from jaxtyping import Int64, Num

from robovlms.core.errors import UserError
from robovlms.data.keyed import keyed_uniform


class RowSample:
    """The ``keep`` rows with the smallest keys: a bottom-k sample, in which every row is equally likely.

    The key of a row is a hash of its number, so samples of parts merge into exactly the sample of the whole
    (Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). At most twice ``keep`` rows are held.
    """

    def __init__(self, keep: int):
        self.keep = keep
        self._limit = math.inf
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._held = 0

    def add(self, rows: Num[np.ndarray, "n d"], numbers: Int64[np.ndarray, " n"]) -> None:
        """Take in rows; ``numbers`` tell them apart within the whole stream."""
        near = keyed_uniform(numbers) <= self._limit
        self._parts.append((rows[near], numbers[near]))
        self._held += int(near.sum())
        if self._held > 2 * self.keep:
            self._shrink()

    def merge(self, other: "RowSample") -> None:
        """Take in a sample of other rows of the same stream."""
        for rows, numbers in other._parts:
            self.add(rows, numbers)

    def rows(self) -> Num[np.ndarray, "n d"]:
        """The sample, in the order of the rows' numbers.

        Raises:
            UserError: A row was added twice.
        """
        self._shrink()
        rows, numbers = self._parts[0]
        if len(np.unique(numbers)) < len(numbers):
            raise UserError("Statistics: parts that were merged have rows in common. Number the rows of each apart.")
        return rows

    def _shrink(self) -> None:
        rows, numbers = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        if len(rows) > self.keep:
            keys = keyed_uniform(numbers)
            self._limit = float(np.partition(keys, self.keep - 1)[self.keep - 1])
            near = keys <= self._limit
            rows, numbers = rows[near], numbers[near]
        order = np.argsort(numbers, kind="stable")
        self._parts, self._held = [(rows[order], numbers[order])], len(rows)


def rank_error(quantile: float, kept: int, chance: float) -> float:
    """How far the rank of a sample's quantile may be from ``quantile``, except with probability ``chance``.

    Bernstein's inequality, which holds for samples without replacement too (Hoeffding 1963, section 6), with the
    variance of a rank at most (tail + error) of the quantile's nearer tail, and one rank for interpolation.
    """
    tail, log = min(quantile, 1 - quantile), math.log(2 / chance) / kept
    return 4 * log / 3 + math.sqrt((4 * log / 3) ** 2 + 2 * log * tail) + 1 / kept
