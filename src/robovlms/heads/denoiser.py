"""A small transformer that looks at what the VLM read and tells noise from action: the network of sampling heads.

The actions of a chunk attend to each other and to a context: slots and state of the steps up to theirs, or the whole
last prompt as well, as the action expert of pi0 does (arXiv 2410.24164). Several chunks under one context
(training draws, samples) share its keys.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from robovlms.heads.attention import MAX_STEPS, Attention, TransformerConfig, look_back, perceptron, places
from robovlms.heads.head import Features


@dataclass(frozen=True)
class Context:
    """What ``q`` chunks of each row are conditioned on: tokens, which of them each chunk sees, and its own place."""

    tokens: Float[Tensor, "b c w"]
    seen: Bool[Tensor, "b q c"]
    place: Float[Tensor, "b q w"]

    def at(self, steps: Int[Tensor, " q"]) -> "Context":
        """The context of chunks that start at these steps."""
        return Context(self.tokens, self.seen[:, steps], self.place[:, steps])


class ContextReader(nn.Module):
    """Brings slots, state and, if asked for, memory to the denoiser's width."""

    def __init__(self, width: int, num_slots: int, slot_width: int, state_width: int, memory: bool):
        super().__init__()
        self.slots = nn.Linear(slot_width, width)
        self.state = nn.Linear(state_width, width) if state_width else None
        self.memory = nn.Linear(slot_width, width) if memory else None
        self.places = nn.Embedding(MAX_STEPS, width)
        self.kinds = nn.Embedding(num_slots + 1, width)

    def forward(self, features: Features) -> Context:
        """One token a slot and a state of every step; a step sees those of steps up to its own."""
        parts = [self.slots(features.slots)]
        if self.state is not None and features.state is not None:
            parts.append(self.state(features.state)[:, :, None])
        tokens = torch.cat(parts, dim=2)
        place = self.places(places(features.valid))
        tokens = tokens + place[:, :, None] + self.kinds.weight[: tokens.shape[2]]
        seen = look_back(features.valid).repeat_interleave(tokens.shape[2], dim=2)
        return self._remember(Context(tokens.flatten(1, 2), seen, place), features)

    def _remember(self, context: Context, features: Features) -> Context:
        if self.memory is None:
            return context
        assert features.memory is not None, "the configuration was validated"
        assert features.memory_mask is not None
        tokens = torch.cat([context.tokens, self.memory(features.memory)], dim=1)
        remembered = features.memory_mask[:, None].expand(-1, context.seen.shape[1], -1)
        return Context(tokens, torch.cat([context.seen, remembered], dim=2), context.place)


class Denoiser(nn.Module):
    """Predicts from noisy chunks whatever the head trains it to: velocity of a flow or of a diffusion."""

    def __init__(self, config: TransformerConfig, chunk: int, dims: int):
        super().__init__()
        width = config.width
        self.embed = nn.Linear(dims, width)
        self.rows = nn.Embedding(chunk, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(
            [DenoiserBlock(width, config.num_attention_heads) for _ in range(config.num_layers)]
        )
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dims))

    def forward(
        self,
        noisy: Float[Tensor, "b q k a"],
        time: Float[Tensor, "b q"],
        context: Context,
        mask: Bool[Tensor, "b q k"] | None = None,
    ) -> Float[Tensor, "b q k a"]:
        """``time`` is in [0, 1]; actions outside ``mask`` (beyond an episode's end) are seen by no other."""
        moment = self.time(waves(time, self.rows.embedding_dim)) + context.place
        tokens = self.embed(noisy) + self.rows.weight + moment[:, :, None]
        mask = torch.ones(noisy.shape[:3], dtype=torch.bool, device=noisy.device) if mask is None else mask
        seen = mask[:, :, None, :] | torch.eye(noisy.shape[2], dtype=torch.bool, device=noisy.device)
        for block in self.blocks:
            tokens = block(tokens, seen, context)
        return self.out(tokens)


class DenoiserBlock(nn.Module):
    """Actions of a chunk look at each other, then at the context."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.norm_own, self.own = nn.LayerNorm(width), Attention(width, num_heads)
        self.norm_context, self.context = nn.LayerNorm(width), Attention(width, num_heads)
        self.perceptron = perceptron(width)

    def forward(
        self, tokens: Float[Tensor, "b q k w"], seen: Bool[Tensor, "b q k k"], context: Context
    ) -> Float[Tensor, "b q k w"]:
        """Chunks never see each other."""
        num_chunks, length = tokens.shape[1:3]
        chunks = tokens.flatten(0, 1)
        normed = self.norm_own(chunks)
        chunks = chunks + self.own(normed, normed, seen.flatten(0, 1))
        rows = chunks.unflatten(0, (-1, num_chunks)).flatten(1, 2)
        looked = context.seen.repeat_interleave(length, dim=1)
        rows = rows + self.context(self.norm_context(rows), context.tokens, looked)
        rows = rows + self.perceptron(rows)
        return rows.unflatten(1, (num_chunks, length))


def waves(time: Float[Tensor, "*n"], width: int) -> Float[Tensor, "*n w"]:
    """Sines and cosines of a time in [0, 1], with periods from 4 down to 0.004, as pi0's."""
    count = -(-width // 2)
    periods = torch.logspace(math.log10(4.0), math.log10(4e-3), count, device=time.device)
    angle = time[..., None] * (2 * math.pi / periods)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[..., :width]
