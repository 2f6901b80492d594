"""FAST: chunks of actions as a few tokens (arXiv 2501.09747).

Each dimension of a chunk goes through a discrete cosine transform, coefficients are rounded to multiples of
``1 / scale`` and written one after the other, low frequencies of all dimensions first; byte-pair encoding joins what
often stands together.

Non-obvious: values in [-1, 1] come back within ``sqrt(chunk) / (2 scale)``, others as if they were clipped to it. Any
list of tokens means some chunk: coefficients that are missing are zero, and those too many are ignored.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.fft import dct, idct
from tokenizers import Tokenizer, models, trainers

from robovlms.core.errors import CorruptData, UserError
from robovlms.core.files import read_json, write_json

FIRST = 0x4E00
"""The character that stands for the lowest coefficient; none from here on is treated specially by a tokenizer."""


@dataclass(frozen=True)
class FastTokenizer:
    """Chunks of ``chunk`` actions of ``dims`` numbers to ids below ``len(tokenizer)`` and back."""

    chunk: int
    dims: int
    scale: float
    pairs: Tokenizer

    @classmethod
    def fit(cls, chunks: Float[np.ndarray, "n k a"], scale: float, vocabulary: int) -> "FastTokenizer":
        """Learn which coefficients stand together in normalised chunks; at most ``vocabulary`` tokens.

        Raises:
            UserError: the coefficients alone are more.
        """
        _, chunk, dims = chunks.shape
        alphabet = [chr(FIRST + i) for i in range(2 * highest(scale, chunk) + 1)]
        if len(alphabet) > vocabulary:
            raise UserError(
                f"head.vocabulary is {vocabulary}, but head.scale {scale:g} and architecture.chunk {chunk} make "
                f"{len(alphabet)} different coefficients. Raise the vocabulary or lower the scale."
            )
        trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
        made = cls(chunk, dims, scale, Tokenizer(models.BPE()))
        made.pairs.train_from_iterator(made._written(chunks), trainer)
        return made

    def encode(self, chunks: Float[np.ndarray, "n k a"]) -> list[list[int]]:
        """Token ids of each normalised chunk."""
        return [written.ids for written in self.pairs.encode_batch(self._written(chunks))]

    def decode(self, ids: Sequence[Sequence[int]]) -> Float[np.ndarray, "n k a"]:
        """The chunks that token ids stand for; ids that do not exist say nothing."""
        length, limit = self.chunk * self.dims, highest(self.scale, self.chunk)
        levels = np.zeros((len(ids), length))
        for row, tokens in zip(levels, ids, strict=True):
            said = "".join(self.pairs.id_to_token(token) or "" for token in tokens)[:length]
            row[: len(said)] = [ord(character) - FIRST - limit for character in said]
        return idct(levels.reshape(-1, self.chunk, self.dims) / self.scale, axis=1, norm="ortho")

    def levels(self, chunks: Float[np.ndarray, "n k a"]) -> Int[np.ndarray, "n k a"]:
        """Rounded coefficients, low frequencies first."""
        clipped = np.clip(chunks.astype(np.float64), -1, 1)
        return np.rint(self.scale * dct(clipped, axis=1, norm="ortho")).astype(np.int64)

    def _written(self, chunks: Float[np.ndarray, "n k a"]) -> list[str]:
        codes = self.levels(chunks).reshape(len(chunks), -1) + FIRST + highest(self.scale, self.chunk)
        return ["".join(map(chr, row)) for row in codes.tolist()]

    def save(self, path: Path) -> None:
        """Write as JSON."""
        sizes = {"chunk": self.chunk, "dims": self.dims, "scale": self.scale}
        write_json(path, {**sizes, "byte_pairs": json.loads(self.pairs.to_str())})

    @classmethod
    def load(cls, path: Path) -> "FastTokenizer":
        """Read what ``save`` wrote.

        Raises:
            CorruptData: the file is missing, or holds something else.
        """
        data = read_json(path)
        try:
            pairs = Tokenizer.from_str(json.dumps(data["byte_pairs"]))
            return cls(int(data["chunk"]), int(data["dims"]), float(data["scale"]), pairs)
        except Exception as error:  # noqa: BLE001 - tokenizers raises the base class for any wrong content
            raise CorruptData(f"{path} holds no FAST tokenizer: {type(error).__name__}: {error}.") from None


def highest(scale: float, chunk: int) -> int:
    """The largest rounded coefficient of a chunk in [-1, 1]."""
    return int(np.ceil(scale * np.sqrt(chunk)))


def smooth_chunks(chunk: int, dims: int, count: int = 1024) -> Float[np.ndarray, "n k a"]:
    """Random smooth chunks in [-1, 1], always the same: amplitudes fall with the square of the frequency."""
    amplitude = 1 / (1 + np.arange(chunk)) ** 2
    coefficients = np.random.default_rng(0).normal(size=(count, chunk, dims)) * amplitude[:, None]
    return np.clip(idct(np.sqrt(chunk) / 2 * coefficients, axis=1, norm="ortho"), -1, 1)
