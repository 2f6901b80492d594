"""The prompt of the published RoboVLMs checkpoints, for checkpoints imported from there.

Source: ``forward_continuous`` of ``robovlms/model/backbone/base_backbone.py`` in Robot-VLAs/RoboVLMs (8adc1d2)::

    [begin][hand camera][static camera][text][slots][end]

Nothing stands round an image, all slots are one vector, and the text ends behind them. For a new policy prefer
``policy_head_continuous``.

Non-obvious: in training the original puts the slots before the last token of the padded text and lets padding take up
positions, so that with texts of several lengths the shorter ones are read otherwise than when acting, where a text is
never padded. ``padding`` chooses; ``masked`` is the same as acting alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.upstream_layout import INSTRUCTION, bare, lay_out, pool, see_frames, side_by_side, write
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.freezing import layers
from robovlms.backbones.prompt import Image, Segment, Slot, Text, TokenKind
from robovlms.backbones.prompt import Sequence as Prompt
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head

ReadOut = Literal["slots", "text", "vision", "all"]
Padding = Literal["masked", "counted"]


class UpstreamStepConfig(ArchitectureConfig):
    """How the original writes a step; an import takes it from its configuration and tokenizer."""

    template: str = INSTRUCTION
    special_tokens: bool = True
    """Whether the tokenizer adds its own tokens round the text."""
    begin: int = Field(1, ge=0, le=1)
    """Tokens of the text before the images."""
    around_image: tuple[str, str] = ("", "")
    marked: bool = False
    """Whether the text holds one token for all cameras of a step, in whose place they come as one image (Flamingo)."""
    end: int = Field(1, ge=0, le=1)
    """Tokens of the text behind the slots."""
    slot_scale: float = Field(1, gt=0)
    """By which the original's language model multiplies whatever it is given, where ours does that to words only."""
    last_layer: bool = True
    """Whether the last layer takes part. Of MPT-1B the original reads what goes into it, as that hands out no more."""
    read_out: ReadOut = "slots"
    """What the head reads: the slots, or as many maxima over the hidden states of the text, the images or all."""
    padding: Padding = "masked"
    max_text_tokens: int = Field(96, ge=4)


class UpstreamPromptConfig(UpstreamStepConfig):
    """A prompt a frame; the head fuses ``history`` frames."""

    kind: Literal["upstream_prompt"] = "upstream_prompt"


class UpstreamPrompt(Architecture):
    """Each frame is a prompt of its own; the head fuses time."""

    def __init__(self, config: UpstreamStepConfig, backbone: Backbone, head: Head):
        super().__init__()
        self.config, self.backbone, self.head, self.state = config, backbone, head, None
        bare(backbone, config.around_image)
        self.num_slots = head.queries(None).num_slots
        if config.read_out == "slots":
            self.action_token = nn.Parameter(torch.zeros(backbone.hidden_size))

    @override
    def features(self, batch: Batch) -> Features:
        return self._features(batch, self.config.padding, None)

    @override
    def act(self, batch: Batch) -> Features:
        return self._features(batch, "masked", self.config.max_text_tokens)

    @override
    def require_readable(self, instructions: Sequence[str]) -> None:
        self.write(instructions, self.config.max_text_tokens)

    def _features(self, batch: Batch, padding: Padding, length: int | None) -> Features:
        frames, texts, _, inverse = distinct_prompts(batch)
        text = self.write(batch.instructions, length)
        images = see_frames(self.backbone, batch, frames)
        read = self.think(Text(text.ids[texts], text.valid[texts]), [images], padding)
        return Features(read[:, 0][inverse], batch.frame_valid)

    def write(self, instructions: Sequence[str], length: int | None = None) -> Text:
        """Token ids of instructions in the original's wording.

        Raises:
            UserError: see ``upstream_layout.write``.
        """
        return write(self.backbone, self.config.template, instructions, self.config.special_tokens, length)

    def think(self, text: Text, images: Sequence[Sequence[Image]], padding: Padding) -> Float[Tensor, "p t m d"]:
        """What is read of prompts of one or more steps, each with its cameras and the same text."""
        begin, middle, end = self._split(text, padding)
        segments: list[Segment] = []
        for step, seen in enumerate(images):
            present = seen[0].valid
            before, behind, last = (
                Text(part.ids, part.valid & present[:, None], step) for part in (begin, middle, end)
            )
            cameras = [replace(image, step=step) for image in (side_by_side(seen) if self.config.marked else seen)]
            segments += [before, *cameras, behind, *self._slots(step, present), last]
        prompt = lay_out(self.backbone, segments, padding == "counted")
        hidden = self.hidden_states(prompt)
        if self.config.read_out == "slots":
            return self.backbone.slots(hidden, prompt.layout, len(images))
        pooled = [pool(hidden, self.read_out(prompt, step), self.num_slots) for step in range(len(images))]
        return torch.stack(pooled, dim=1)

    def hidden_states(self, prompt: Prompt) -> Float[Tensor, "p s d"]:
        """What the head reads some of: the last hidden states, or those that the last layer is given."""
        if self.config.last_layer:
            return self.backbone.think(prompt)[0]
        given: list[Tensor] = []
        hook = layers(self.backbone)[-1].register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
        try:
            self.backbone.think(prompt)
        finally:
            hook.remove()
        return given[0]

    def _slots(self, step: int, present: Bool[Tensor, " p"]) -> list[Segment]:
        if self.config.read_out != "slots":
            return []
        return [Slot(self.config.slot_scale * self.action_token.expand(self.num_slots, -1), step, present)]

    def _split(self, text: Text, padding: Padding) -> tuple[Text, Text, Text]:
        """The text before the images, behind them, and behind the slots."""
        begin, total = self.config.begin, text.ids.shape[1]
        behind = begin + self.config.marked
        ids, valid = text.ids, text.valid
        if padding == "counted" or not self.config.end:
            cuts = (slice(0, begin), slice(behind, total - self.config.end), slice(total - self.config.end, total))
            first, middle, last = (Text(ids[:, cut], valid[:, cut]) for cut in cuts)
            return first, middle, last
        final = valid.sum(dim=1, keepdim=True) - 1  # a text's own last token moves behind its padding
        places = torch.arange(total, device=ids.device)
        kept = valid & (places != final)
        last = Text(ids.gather(1, final), torch.ones_like(final, dtype=torch.bool))
        return Text(ids[:, :begin], valid[:, :begin]), Text(ids[:, behind:], kept[:, behind:]), last

    def read_out(self, prompt: Prompt, step: int = 0) -> Bool[Tensor, "p s"]:
        """The tokens of a step that are read: the slots, or those the maxima are taken over."""
        layout = prompt.layout
        own = layout.step == step
        if self.config.read_out == "slots":
            return (own & layout.where(TokenKind.SLOT)).expand_as(layout.valid)
        places = own.cumsum(dim=0) - 1
        length = int(own.sum())
        behind_images = int(places[own & layout.where(TokenKind.IMAGE)].max()) + 1
        behind_images += self.backbone.ids_of(self.config.around_image[1]).numel()
        first, last = {
            "text": (behind_images, length - self.config.end),
            "vision": (self.config.begin, behind_images),
            "all": (0, length),
        }[self.config.read_out]
        counted = layout.valid if layout.counted is None else layout.counted
        return counted & own & (places >= first) & (places < last)
