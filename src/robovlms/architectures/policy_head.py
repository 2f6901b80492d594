"""Policy-head structure: every frame is a prompt of its own; the head fuses time (arXiv 2412.14058).

The prompt of a step is ``[images of all cameras, state, text, slots]``: slots stand where a VLM's answer would. A
frame that several windows share, or that pads a window, is encoded once.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.read_out import Pool, Read, pooled, require_poolable
from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.state import StateEncoder
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Image, Layout, Media, Segment, Slot, State, Text
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class PolicyHeadConfig(ArchitectureConfig):
    """A prompt a frame; the head fuses ``history`` frames."""

    kind: Literal["policy_head_continuous"] = "policy_head_continuous"
    max_text_tokens: int = Field(32, ge=4)
    state_in: Literal["prompt", "head", "both"] = "both"
    """Whether proprioception is a token of the prompt, goes straight to the head, or both."""
    read: Read = "slots"
    """What the head reads: learned slots at the prompt's end, or the prompt's own tokens, pooled into one vector."""
    pool: Pool = "max"
    """How tokens are pooled where they are."""


class PolicyHead(Architecture):
    """Folds the frames of a window into the batch and leaves time to the head."""

    slot_vectors: nn.Parameter | None

    def __init__(self, config: PolicyHeadConfig, backbone: Backbone, head: Head, state_dims: int):
        super().__init__()
        self.config, self.backbone, self.head = config, backbone, head
        width = backbone.hidden_size
        self.state = StateEncoder(state_dims, width, config.state_noise) if state_dims else None
        require_poolable(backbone, config.read)
        slots = nn.Parameter(like_words(backbone, head.queries(None).num_slots)) if config.read == "slots" else None
        self.register_parameter("slot_vectors", slots)

    @override
    def features(self, batch: Batch) -> Features:
        frames, texts, first, inverse = distinct_prompts(batch)
        text = self.backbone.tokenize(batch.instructions, None if self.training else self.config.max_text_tokens)
        text = Text(text.ids[texts], text.valid[texts])
        present = torch.ones_like(frames, dtype=torch.bool)
        segments: list[Segment] = [Image(media, present) for media in self._see(batch, frames, text)]
        state = self.state(batch.state.flatten(0, 1)[first]) if self.state else None
        if state is not None and self.config.state_in != "head":
            segments.append(State(state))
        segments += [text] if self.slot_vectors is None else [text, Slot(self.slot_vectors)]
        sequence = self.backbone.compose(segments)
        hidden, _ = self.backbone.think(sequence)
        slots = self._read(hidden, sequence.layout)
        last = inverse[:, -1]
        direct = state[:, 0][inverse] if state is not None and self.config.state_in != "prompt" else None
        return Features(slots[inverse], batch.frame_valid, direct, hidden[last], sequence.layout.valid[last])

    def _read(self, hidden: Float[Tensor, "p s d"], layout: Layout) -> Float[Tensor, "p m d"]:
        if self.config.read == "slots":
            return self.backbone.slots(hidden, layout)[:, 0]
        return pooled(hidden, layout, self.config.read, self.config.pool)

    @override
    def require_readable(self, instructions: Sequence[str]) -> None:
        self.backbone.tokenize(instructions, self.config.max_text_tokens)

    def _see(self, batch: Batch, frames: Int[Tensor, " p"], text: Text) -> list[Media]:
        """Media of each camera, a row a prompt, encoded now or beforehand."""
        if batch.media is not None:
            kept = batch.media[frames].unbind(dim=1)
            return [Media.unpack(packed, self.backbone.num_media_layers) for packed in kept]
        count = len(batch.images)
        if self.backbone.sees_by_text:
            images = torch.cat([images[frames] for images in batch.images.values()])
            repeated = Text(text.ids.repeat(count, 1), text.valid.repeat(count, 1))
            return self.backbone.see(images, repeated).chunk(count)
        seen = self.backbone.see(torch.cat(list(batch.images.values())))
        return [media.at(frames) for media in seen.chunk(count)]


@torch.no_grad()
def like_words(backbone: Backbone, count: int) -> Float[Tensor, "m d"]:
    """Random vectors distributed as the VLM's word embeddings, which is the scale its layers expect."""
    num_words = min(len(backbone.tokenizer), 4096)
    words = backbone.read(torch.arange(num_words, device=backbone.word_embedding_device)[None])[0]
    return words.mean(dim=0) + words.std(dim=0) * torch.randn(count, words.shape[1], device=words.device)
