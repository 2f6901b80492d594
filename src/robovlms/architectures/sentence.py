"""One vector a sentence, for policies without a VLM: words hashed into embeddings, read by a GRU."""

import re
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


def read_sentences(instructions: Sequence[str], words: nn.Embedding, reader: nn.GRU) -> Float[Tensor, "l e"]:
    """One vector a sentence, each read by itself. Words are hashed into buckets, so that unseen words are possible."""
    vectors = []
    for sentence in instructions:
        ids = [word_bucket(word, words.num_embeddings) for word in re.findall(r"[a-z0-9]+", sentence.lower())]
        _, last = reader(words(torch.tensor([ids or [0]], device=words.weight.device)))
        vectors.append(last[-1, 0])
    return torch.stack(vectors)


def word_bucket(word: str, num_buckets: int) -> int:
    """A stable hash of a word (FNV-1a), never 0."""
    value = 2166136261
    for byte in word.encode():
        value = ((value ^ byte) * 16777619) % 2**32
    return 1 + value % (num_buckets - 1)
