"""Flamingo's two ways of looking (arXiv 2204.14198): latents at an image, words at latents, the latter behind gates.

Parameters are named as Otter (arXiv 2305.03726) publishes them.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer
from typing_extensions import override


def feed_forward(width: int) -> nn.Sequential:
    """The block after each attention."""
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
    )


class Attention(nn.Module):
    """Queries of one stream of width ``d``, keys and values of another of width ``e``."""

    def __init__(self, width: int, other: int, num_heads: int, head_dim: int):
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(width, num_heads * head_dim, bias=False)
        self.to_kv = nn.Linear(other, 2 * num_heads * head_dim, bias=False)
        self.to_out = nn.Linear(num_heads * head_dim, width, bias=False)

    def attend(
        self, x: Float[Tensor, "b s d"], other: Float[Tensor, "b k e"], allowed: Bool[Tensor, "b s k"] | None = None
    ) -> Float[Tensor, "b s d"]:
        """What each of ``x`` finds in ``other``; zero where nothing is ``allowed``."""
        parts = (self.to_q(x), *self.to_kv(other).chunk(2, dim=-1))
        queries, keys, values = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in parts)
        if allowed is None:
            return self.to_out(F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2))
        some = allowed.any(dim=-1, keepdim=True)
        mask = (allowed | ~some)[:, None]  # a softmax over nothing is not defined
        found = F.scaled_dot_product_attention(queries, keys, values, mask).transpose(1, 2).flatten(2)
        return self.to_out(found * some)


class ResamplerBlock(Attention):
    """Latents look at an image and at themselves."""

    def __init__(self, width: int, num_heads: int, head_dim: int):
        super().__init__(width, width, num_heads, head_dim)
        self.norm_media = nn.LayerNorm(width)
        self.norm_latents = nn.LayerNorm(width)
        self.feed_forward = feed_forward(width)

    @override
    def forward(self, media: Float[Tensor, "f p d"], latents: Float[Tensor, "f l d"]) -> Float[Tensor, "f l d"]:
        asking = self.norm_latents(latents)
        latents = latents + self.attend(asking, torch.cat([self.norm_media(media), asking], dim=1))
        return latents + self.feed_forward(latents)


class Resampler(nn.Module):
    """The same number of latents for an image or a video, whatever its size."""

    def __init__(
        self,
        width: int,
        num_latents: int = 64,
        depth: int = 6,
        num_heads: int = 8,
        head_dim: int = 64,
        max_num_frames: int | None = None,
    ):
        super().__init__()
        self.latents = nn.Parameter(torch.randn(num_latents, width))
        self.frame_embs = nn.Parameter(torch.randn(max_num_frames, width)) if max_num_frames else None
        self.layers = nn.ModuleList([ResamplerBlock(width, num_heads, head_dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)

    @override
    def forward(self, media: Float[Tensor, "f t p d"]) -> Float[Tensor, "f l d"]:
        """``t`` frames of a video become one set of latents; an image is a video of one frame."""
        if self.frame_embs is not None:
            media = media + self.frame_embs[: media.shape[1], None]
        latents = self.latents.expand(len(media), -1, -1)
        for layer in self.layers:
            latents = layer(media.flatten(1, 2), latents)
        return self.norm(latents)


class CrossAttention(Attention):
    """Words look at the latents of images."""

    def __init__(self, width: int, other: int, num_heads: int, head_dim: int):
        super().__init__(width, other, num_heads, head_dim)
        self.norm = nn.LayerNorm(width)

    @override
    def forward(
        self, x: Float[Tensor, "b s d"], media: Float[Tensor, "b n p e"], looks: Bool[Tensor, "b s n"]
    ) -> Float[Tensor, "b s d"]:
        allowed = looks.repeat_interleave(media.shape[2], dim=2)
        return self.attend(self.norm(x), media.flatten(1, 2), allowed)


class GatedCrossAttention(GradientCheckpointingLayer):
    """Cross-attention and a feed-forward block, behind gates that start shut."""

    def __init__(self, width: int, other: int, num_heads: int, head_dim: int):
        super().__init__()
        self.attn = CrossAttention(width, other, num_heads, head_dim)
        self.attn_gate = nn.Parameter(torch.zeros(1))
        self.feed_forward = feed_forward(width)
        self.ff_gate = nn.Parameter(torch.zeros(1))

    @override
    def forward(
        self, x: Float[Tensor, "b s d"], media: Float[Tensor, "b n p e"], looks: Bool[Tensor, "b s n"]
    ) -> Float[Tensor, "b s d"]:
        x = x + self.attn(x, media, looks) * self.attn_gate.tanh()
        return x + self.feed_forward(x) * self.ff_gate.tanh()
