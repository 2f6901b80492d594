"""What the structures round a VLM share: its backbone, learned slots, the state, and how frames are seen."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.answer_loss import answer_loss
from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.read_out import Pool, Read, pooled, require_poolable
from robovlms.architectures.state import StateEncoder
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Image, Layout, Media, Segment, Slot, Text
from robovlms.core.batch import Batch
from robovlms.core.vl_batch import VLBatch
from robovlms.heads.head import Head, Losses


class VLMConfig(ArchitectureConfig):
    """Settings of every structure round a VLM."""

    usual_head: ClassVar[str] = "mlp"
    """The head this structure has unless told otherwise."""
    speaks: ClassVar[bool] = False
    """Whether actions are words that the language model says, which only heads of tokens understand."""

    max_text_tokens: int = Field(32, ge=4)
    state_in: Literal["prompt", "head", "both"] = "both"
    """Whether proprioception is a token of the prompt, goes straight to the head, or both."""
    read: Read = "slots"
    """What the head reads: learned slots at the prompt's end, or the prompt's own tokens, pooled into one vector."""
    pool: Pool = "max"
    """How tokens are pooled where they are."""


class VLMArchitecture(Architecture):
    """Lays windows out as prompts for ``backbone``; subclasses say how."""

    config: VLMConfig
    slot_vectors: nn.Parameter | None

    def __init__(self, config: VLMConfig, backbone: Backbone, head: Head, state_dims: int):
        super().__init__()
        self.config, self.backbone, self.head = config, backbone, head
        width = backbone.hidden_size
        self.state = StateEncoder(state_dims, width, config.state_noise) if state_dims else None
        require_poolable(backbone, config.read)
        slots = nn.Parameter(like_words(backbone, head.queries(None).num_slots)) if config.read == "slots" else None
        self.register_parameter("slot_vectors", slots)

    @override
    def require_readable(self, instructions: Sequence[str]) -> None:
        self.backbone.tokenize(instructions, self.config.max_text_tokens)

    @override
    def forward(self, batch: Batch | VLBatch) -> Losses:
        return answer_loss(self.backbone, batch) if isinstance(batch, VLBatch) else self.loss(batch)

    def text(self, batch: Batch, index: Int[Tensor, " p"]) -> Text:
        """The instructions at ``index``, a row each."""
        text = self.backbone.tokenize(batch.instructions, None if self.training else self.config.max_text_tokens)
        return Text(text.ids[index], text.valid[index])

    def slots(self, step: int = 0) -> list[Segment]:
        """The slots of a step; none where tokens are pooled."""
        return [] if self.slot_vectors is None else [Slot(self.slot_vectors, step)]

    def shown(
        self,
        batch: Batch,
        cameras: Sequence[Media],
        present: Bool[Tensor, " p"],
        step: int = 0,
        windows: Int[Tensor, " p"] | None = None,
    ) -> list[Segment]:
        """Images of a step, absent where it is or the robot lacks the camera; a row a window, or one of ``windows``."""
        if batch.cameras is None:
            return [Image(media, present, step) for media in cameras]
        has = batch.cameras if windows is None else batch.cameras[windows]
        return [Image(media, present & there, step) for media, there in zip(cameras, has.unbind(dim=1), strict=True)]

    def read_out(self, hidden: Float[Tensor, "p s d"], layout: Layout) -> Float[Tensor, "p m d"]:
        """What the head reads of prompts of one step."""
        if self.config.read == "slots":
            return self.backbone.slots(hidden, layout)[:, 0]
        return pooled(hidden, layout, self.config.read, self.config.pool)

    def see(self, batch: Batch, frames: Int[Tensor, " p"], text: Text) -> list[Media]:
        """Media of each camera, a row a prompt, encoded now, all in one call, or beforehand."""
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
