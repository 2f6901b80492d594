"""Actions as tokens: uniform bins, and ids at the tail of a vocabulary (RT-2, arXiv 2307.15818; OpenVLA, 2406.09246).

``UniformBins()`` cuts [-1, 1] into 256 equal bins. ``UniformBins.upstream()`` is what RoboVLMs and OpenVLA do with 256:
256 *edges*, hence 255 bins, and an id of its own for values of exactly 1, which reads back as the last bin. Either way
a value in the range comes back within half a bin; a value outside becomes the outermost bin.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float64

from robovlms.actions.arrays import library
from robovlms.core.errors import UserError

UPSTREAM_RESERVE = 10
"""Ids that upstream RoboVLMs leaves free above its action tokens, beside the tokenizer's special tokens."""


@dataclass(frozen=True)
class UniformBins:
    """``num_bins`` equal bins over [low, high]; numpy arrays and torch tensors alike.

    ``top_index`` gives values at ``high`` an index of their own, as ``numpy.digitize`` does; it decodes to the last
    bin.
    """

    num_bins: int = 256
    low: float = -1.0
    high: float = 1.0
    top_index: bool = False

    def __post_init__(self):
        if self.num_bins < 1 or not self.low < self.high:
            raise UserError(f"Bins: got {self.num_bins} over [{self.low:g}, {self.high:g}], expected 1 or more.")

    @classmethod
    def upstream(cls, num_edges: int = 256, low: float = -1.0, high: float = 1.0) -> "UniformBins":
        """The bins of upstream's ``ActionTokenizer`` with ``bins=num_edges``."""
        return cls(num_edges - 1, low, high, top_index=True)

    @property
    def num_indices(self) -> int:
        """How many different indices ``encode`` may give."""
        return self.num_bins + self.top_index

    @cached_property
    def edges(self) -> Float64[np.ndarray, " e"]:
        """Borders, one more than there are bins."""
        return np.linspace(self.low, self.high, self.num_bins + 1)

    @cached_property
    def centres(self) -> Float64[np.ndarray, " n"]:
        """What each bin reads back as."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    def encode(self, values: Any) -> Any:
        """Index of the bin of each value, int64, same shape.

        Raises:
            UserError: a value that is not finite.
        """
        xp = library(values)
        if not bool(xp.isfinite(values).all()):
            raise UserError("Actions to be binned hold NaN or infinity. Check the data, or the loss that made them.")
        if isinstance(values, np.ndarray):
            index = np.searchsorted(self.edges, values, side="right") - 1
        else:
            index = xp.bucketize(values.double(), values.new_tensor(self.edges, dtype=xp.float64), right=True) - 1
        return index.clip(0, self.num_indices - 1)

    def decode(self, indices: Any) -> Any:
        """Centre of the bin of each index, float64 (numpy) or the default dtype (torch); indices beyond are clipped."""
        clipped = indices.clip(0, self.num_bins - 1)
        if isinstance(indices, np.ndarray):
            return self.centres[clipped]
        torch = library(indices)
        return torch.as_tensor(self.centres, dtype=torch.get_default_dtype(), device=indices.device)[clipped]


@dataclass(frozen=True)
class ActionTokens:
    """Bins as token ids ``base - 1 - index``: the first bin is the last id below ``base``.

    It says nothing of what those ids mean to the language model: rare words, or embeddings added for the purpose.
    """

    bins: UniformBins
    base: int

    def __post_init__(self):
        if self.first < 0:
            raise UserError(
                f"Action tokens: got room for {self.base} ids, expected {self.bins.num_indices} for "
                f"{self.bins.num_bins} bins. Use fewer bins, or a tokenizer with more words."
            )

    @classmethod
    def at_tail(cls, bins: UniformBins, vocab_size: int, num_special: int = 0, reserve: int = 0) -> "ActionTokens":
        """The last ids of a vocabulary, below ``num_special`` special tokens and ``reserve`` more.

        Upstream RoboVLMs counts every special token, wherever its id is, and reserves ``UPSTREAM_RESERVE``.
        """
        return cls(bins, vocab_size - num_special - reserve)

    @property
    def first(self) -> int:
        """The lowest action id."""
        return self.base - self.bins.num_indices

    @property
    def ids(self) -> range:
        """All action ids, ascending: what a language-model head must score."""
        return range(self.first, self.base)

    def encode(self, values: Any) -> Any:
        """Token id of each value, int64, same shape."""
        return self.base - 1 - self.bins.encode(values)

    def decode(self, ids: Any) -> Any:
        """Value of each token id; ids outside the table read as the nearer end of it."""
        return self.bins.decode(self.base - 1 - ids)

    def contains(self, ids: Any) -> Any:
        """Whether each id is an action token."""
        return (ids >= self.first) & (ids < self.base)
