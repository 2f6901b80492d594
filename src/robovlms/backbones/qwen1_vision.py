"""The image encoder of the first Qwen-VL: a ViT (open_clip's bigG) and queries that sum up its tokens.

Modules have the names of the published checkpoints. Non-obvious: the ViT's joint projection holds query, key and value
head by head; both tables of positions are enlarged bicubically to the image's grid.
"""

from collections import OrderedDict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer
from typing_extensions import override

EPS = 1e-6
HEAD_WIDTH = 128
"""Width of a head of the queries."""


class Attention(nn.Module):
    """Self-attention with one projection."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    @override
    def forward(self, x: Float[Tensor, "f p w"]) -> Float[Tensor, "f p w"]:
        query, key, value = self.in_proj(x).unflatten(-1, (self.heads, 3, -1)).permute(3, 0, 2, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out_proj(seen.transpose(1, 2).flatten(2))


class Block(GradientCheckpointingLayer):
    """Attention and MLP, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, mlp_width: int):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=EPS)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width, eps=EPS)
        wide, narrow = nn.Linear(width, mlp_width), nn.Linear(mlp_width, width)
        self.mlp = nn.Sequential(OrderedDict(c_fc=wide, gelu=nn.GELU(), c_proj=narrow))

    @override
    def forward(self, x: Float[Tensor, "f p w"]) -> Float[Tensor, "f p w"]:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Resampler(nn.Module):
    """``num_queries`` learned queries that look once at an image's tokens; all have places on a square."""

    pos_embed: Tensor

    def __init__(self, num_queries: int, width: int, token_width: int):
        super().__init__()
        self.register_buffer("pos_embed", places(width, round(num_queries**0.5)))
        self.query = nn.Parameter(0.02 * torch.randn(num_queries, width))
        self.kv_proj = nn.Linear(token_width, width, bias=False)
        self.attn = nn.MultiheadAttention(width, width // HEAD_WIDTH, batch_first=True)
        self.ln_q = nn.LayerNorm(width, eps=EPS)
        self.ln_kv = nn.LayerNorm(width, eps=EPS)

    @override
    def forward(self, x: Float[Tensor, "f p w"]) -> Float[Tensor, "f q d"]:
        tokens = self.ln_kv(self.kv_proj(x))
        queries = (self.ln_q(self.query) + self.pos_embed).expand(len(x), -1, -1)
        keys = tokens + enlarged(self.pos_embed, x.shape[1])
        return self.attn(queries, keys, tokens, need_weights=False)[0]


class QwenVision(nn.Module):
    """The encoder; its settings have the names of the published ``config.json``."""

    def __init__(
        self,
        patch_size: int,
        width: int,
        layers: int,
        heads: int,
        mlp_ratio: float,
        output_dim: int,
        n_queries: int = 256,
        **_: Any,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch_size, patch_size, bias=False)
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(256, width))
        self.ln_pre = nn.LayerNorm(width, eps=EPS)
        blocks = [Block(width, heads, int(width * mlp_ratio)) for _ in range(layers)]
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(blocks)})
        self.attn_pool = Resampler(n_queries, output_dim, width)
        self.ln_post = nn.LayerNorm(output_dim, eps=EPS)
        self.proj = nn.Parameter(output_dim**-0.5 * torch.randn(output_dim, output_dim))

    @override
    def forward(self, pixel_values: Float[Tensor, "f 3 h w"]) -> Float[Tensor, "f q d"]:
        x = self.conv1(pixel_values.to(self.conv1.weight.dtype)).flatten(2).transpose(1, 2)
        x = self.ln_pre(x + enlarged(self.positional_embedding, x.shape[1]))
        for block in self.transformer["resblocks"].children():
            x = block(x)
        return self.ln_post(self.attn_pool(x)) @ self.proj


def enlarged(table: Float[Tensor, "n w"], num_tokens: int) -> Float[Tensor, "p w"]:
    """A square table of positions at another size."""
    if len(table) == num_tokens:
        return table
    side, wanted = round(len(table) ** 0.5), round(num_tokens**0.5)
    grid = table.float().unflatten(0, (side, side)).permute(2, 0, 1)[None]
    resized = nn.functional.interpolate(grid, size=(wanted, wanted), mode="bicubic", align_corners=False)
    return resized[0].flatten(1).T.to(table.dtype)


def places(width: int, side: int) -> Float[Tensor, "n w"]:
    """Sines and cosines of column, then row, in a quarter of the width each."""
    frequencies = 10000.0 ** -(torch.arange(width // 4) / (width / 4))
    angles = torch.arange(side)[:, None] * frequencies
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    return torch.cat([line.repeat(side, 1), line.repeat_interleave(side, dim=0)], dim=1)
