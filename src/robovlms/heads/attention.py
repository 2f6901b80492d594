"""What the transformers among the heads share: attention, a causal view of a window, and places in it.

A window is padded on the left. Places count valid steps only and padding is seen by nobody, so a padded window gives
the same answer as its valid frames alone.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from robovlms.core.config import Config

MAX_STEPS = 64
"""The longest window there is; learned places are kept for this many steps."""


class TransformerConfig(Config):
    """Size of a head's own transformer, beside the VLM."""

    width: int = Field(128, ge=1)
    num_layers: int = Field(2, ge=1)
    num_attention_heads: int = Field(4, ge=1)

    @model_validator(mode="after")
    def _divisible(self) -> "TransformerConfig":
        if self.width % self.num_attention_heads:
            raise ValueError(f"width {self.width} does not divide into {self.num_attention_heads} attention heads")
        return self


class Attention(nn.Module):
    """Multi-head attention of queries to keys (Vaswani et al. 2017)."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, queries: Float[Tensor, "n q w"], keys: Float[Tensor, "n c w"], seen: Bool[Tensor, "n q c"]
    ) -> Float[Tensor, "n q w"]:
        """Each query reads the keys it may see; it must see at least one."""
        return self.read(queries, self.memory(keys), seen)

    def memory(self, keys: Float[Tensor, "n c w"]) -> Float[Tensor, "2 n h c e"]:
        """What is read of the keys."""
        return torch.stack([self._split(part) for part in self.key_value(keys).chunk(2, -1)])

    def read(
        self, queries: Float[Tensor, "n q w"], memory: Float[Tensor, "2 n h c e"], seen: Bool[Tensor, "n q c"] | None
    ) -> Float[Tensor, "n q w"]:
        """``forward`` on keys that were prepared; without ``seen``, all of them."""
        mask = None if seen is None else seen[:, None]
        mixed = F.scaled_dot_product_attention(self._split(self.query(queries)), *memory, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, tokens: Float[Tensor, "n l w"]) -> Float[Tensor, "n h l e"]:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def perceptron(width: int) -> nn.Sequential:
    """The part of a block that works on each token by itself."""
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class Block(nn.Module):
    """A pre-norm transformer block over one sequence."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.norm, self.attention, self.perceptron = nn.LayerNorm(width), Attention(width, num_heads), perceptron(width)

    def forward(self, tokens: Float[Tensor, "n l w"], seen: Bool[Tensor, "n l l"]) -> Float[Tensor, "n l w"]:
        """Mix tokens along the sequence, then each by itself."""
        normed = self.norm(tokens)
        tokens = tokens + self.attention(normed, normed, seen)
        return tokens + self.perceptron(tokens)

    def follow(
        self, token: Float[Tensor, "n 1 w"], memory: Float[Tensor, "2 n h c e"] | None
    ) -> tuple[Float[Tensor, "n 1 w"], Float[Tensor, "2 n h d e"]]:
        """``forward`` on the next token of a causal sequence, and what later ones remember of all until it."""
        normed = self.norm(token)
        fresh = self.attention.memory(normed)
        memory = fresh if memory is None else torch.cat([memory, fresh], dim=3)
        token = token + self.attention.read(normed, memory, None)
        return token + self.perceptron(token), memory


def look_back(valid: Bool[Tensor, "b t"]) -> Bool[Tensor, "b t t"]:
    """Which steps each step sees: itself and the valid ones before it."""
    steps = torch.arange(valid.shape[1], device=valid.device)
    return (valid[:, None, :] & (steps[:, None] >= steps)) | (steps[:, None] == steps)


def places(valid: Bool[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    """Number of each step, counted from the first valid one."""
    return (valid.long().cumsum(dim=1) - 1).clamp(min=0)
