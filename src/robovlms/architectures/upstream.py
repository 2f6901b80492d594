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
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.upstream_layout import INSTRUCTION, bare, lay_out, pool, see_frames, write
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Sequence as Prompt
from robovlms.backbones.prompt import Slot, Text, TokenKind
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head

ReadOut = Literal["slots", "text", "vision", "all"]


class UpstreamPromptConfig(ArchitectureConfig):
    """How the original writes a step; an import takes it from its configuration and tokenizer."""

    kind: Literal["upstream_prompt"] = "upstream_prompt"
    template: str = INSTRUCTION
    special_tokens: bool = True
    """Whether the tokenizer adds its own tokens round the text."""
    begin: int = Field(1, ge=0, le=1)
    """Tokens of the text before the images."""
    around_image: tuple[str, str] = ("", "")
    end: int = Field(1, ge=0, le=1)
    """Tokens of the text behind the slots."""
    read_out: ReadOut = "slots"
    """What the head reads: the slots, or as many maxima over the hidden states of the text, the images or all."""
    padding: Literal["masked", "counted"] = "masked"
    max_text_tokens: int = Field(96, ge=4)


class UpstreamPrompt(Architecture):
    """Each frame is a prompt of its own; the head fuses time."""

    def __init__(self, config: UpstreamPromptConfig, backbone: Backbone, head: Head):
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
        self._text(instructions, self.config.max_text_tokens)

    def _features(self, batch: Batch, padding: str, length: int | None) -> Features:
        frames, texts, _, inverse = distinct_prompts(batch)
        text = self._text(batch.instructions, length)
        text = Text(text.ids[texts], text.valid[texts])
        begin, middle, end = self._split(text, padding)
        images = see_frames(self.backbone, batch, frames)
        slots = [Slot(self.action_token.expand(self.num_slots, -1))] if self.config.read_out == "slots" else []
        sequence = lay_out(self.backbone, [begin, *images, middle, *slots, end], padding == "counted")
        hidden, _ = self.backbone.think(sequence)
        read = self._read(hidden, sequence)
        last = inverse[:, -1]
        return Features(read[inverse], batch.frame_valid, None, hidden[last], sequence.layout.valid[last])

    def _text(self, instructions: Sequence[str], length: int | None) -> Text:
        config = self.config
        return write(self.backbone, config.template, instructions, config.special_tokens, length)

    def _split(self, text: Text, padding: str) -> tuple[Text, Text, Text]:
        """The text before the images, behind them, and behind the slots."""
        begin, total = self.config.begin, text.ids.shape[1]
        ids, valid = text.ids, text.valid
        if padding == "counted" or not self.config.end:
            cuts = (slice(0, begin), slice(begin, total - self.config.end), slice(total - self.config.end, total))
            first, middle, last = (Text(ids[:, cut], valid[:, cut]) for cut in cuts)
            return first, middle, last
        final = valid.sum(dim=1, keepdim=True) - 1  # a text's own last token moves behind its padding
        places = torch.arange(total, device=ids.device)
        kept = valid & (places != final)
        last = Text(ids.gather(1, final), torch.ones_like(final, dtype=torch.bool))
        return Text(ids[:, :begin], valid[:, :begin]), Text(ids[:, begin:], kept[:, begin:]), last

    def _read(self, hidden: Float[Tensor, "p s d"], prompt: Prompt) -> Float[Tensor, "p m d"]:
        if self.config.read_out == "slots":
            return self.backbone.slots(hidden, prompt.layout)[:, 0]
        return pool(hidden, self.read_out(prompt), self.num_slots)

    def read_out(self, prompt: Prompt) -> Bool[Tensor, "p s"]:
        """The tokens whose hidden states are read: the slots, or those the maxima are taken over."""
        layout = prompt.layout
        if self.config.read_out == "slots":
            return layout.where(TokenKind.SLOT).expand_as(layout.valid)
        places = torch.arange(len(layout.kind), device=layout.kind.device)
        behind_images = int(places[layout.where(TokenKind.IMAGE)].max()) + 1
        behind_images += self.backbone.ids_of(self.config.around_image[1]).numel()
        behind_text = len(places) - self.config.end
        first, last = {
            "text": (behind_images, behind_text),
            "vision": (self.config.begin, behind_images),
            "all": (0, len(places)),
        }[self.config.read_out]
        counted = layout.valid if layout.counted is None else layout.counted
        return counted & (places >= first) & (places < last)
