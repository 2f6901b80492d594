"""A vision-language model behind four verbs: ``see``, ``read``, ``think``, ``speak``.

Composition of a prompt, slot read-out and the attention mask in its general form are written once, here. A family
overrides ``positions`` and ``mask`` and the verbs that differ. A backbone knows nothing of robots, windows or heads.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.prompt import (
    Action,
    Image,
    Layout,
    Media,
    Segment,
    Sequence,
    Slot,
    State,
    Text,
    TokenKind,
    cells,
)
from robovlms.core.errors import UserError


class Backbone(nn.Module, ABC):
    """One VLM family. Attributes: ``model`` (the Hugging Face model), ``tokenizer``, ``image_processor``."""

    model: Any
    tokenizer: Any
    image_processor: Any

    @property
    @abstractmethod
    def hidden_size(self) -> int:
        """Width ``d`` of the language model."""

    @property
    @abstractmethod
    def word_embedding(self) -> nn.Module:
        """The token embedding, scaling included."""

    @property
    @abstractmethod
    def text_tower(self) -> nn.Module:
        """The language model without its head."""

    @property
    @abstractmethod
    def vision_tower(self) -> nn.Module:
        """The image encoder without its projector."""

    @property
    @abstractmethod
    def projector(self) -> nn.Module:
        """What brings the vision tower's features to the language model's width."""

    @property
    @abstractmethod
    def image_spec(self) -> ImageSpec:
        """The pixels this family wants."""

    @abstractmethod
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        """Encode RGB images to tokens in the language model's space; ``text`` for families that condition on it."""

    def read(self, ids: Int[Tensor, "b l"]) -> Float[Tensor, "b l d"]:
        """Embed token ids."""
        return self.word_embedding(ids)

    @abstractmethod
    def think(self, sequence: Sequence, cache: Any = None) -> tuple[Float[Tensor, "b s d"], Any]:
        """Last hidden states of every token, and the extended cache when one is given."""

    @abstractmethod
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        """Vocabulary logits at given hidden states, restricted to ``ids``; only token heads ask."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write an ordinary Hugging Face directory: weights, config, tokenizer, image processor."""

    @override
    def train(self, mode: bool = True) -> "Backbone":
        """Switch to training, except towers that are frozen: their batch statistics and dropout must not move."""
        super().train(mode)
        for tower in (self.vision_tower, self.text_tower):
            if not any(parameter.requires_grad for parameter in tower.parameters()):
                tower.eval()
        return self

    def tokenize(self, texts: Items[str], length: int | None = None) -> Text:
        """Token ids of instructions, right-padded, special tokens as the family expects.

        Training pads to the longest; ``length`` fixes the shape, so that acting never depends on who shares a batch.

        Raises:
            UserError: an instruction needs more than ``length`` tokens.
        """
        encoded = self.tokenizer([self.template(text) for text in texts], padding=True, return_tensors="pt")
        ids, valid = encoded["input_ids"], encoded["attention_mask"].bool()
        if length is not None:
            if ids.shape[1] > length:
                raise UserError(f"Instruction too long: {ids.shape[1]} tokens, this policy takes {length}. Shorten it.")
            missing = length - ids.shape[1]
            ids = nn.functional.pad(ids, (0, missing), value=self.tokenizer.pad_token_id)
            valid = nn.functional.pad(valid, (0, missing), value=False)
        device = self.word_embedding_device
        return Text(ids.to(device), valid.to(device))

    def template(self, instruction: str) -> str:
        """The family's wording round an instruction; the same for training and inference."""
        return instruction

    @property
    def word_embedding_device(self) -> torch.device:
        """Where token ids must be."""
        return next(self.word_embedding.parameters()).device

    def compose(self, segments: Items[Segment]) -> Sequence:
        """Lay segments out as one sequence. Every segment must have the same number of rows."""
        batch = _rows(segments)
        parts = [self._embed(segment, batch) for segment in segments]
        kinds, steps, images, cell = [], [], [], []
        for index, (segment, (embeds, _)) in enumerate(zip(segments, parts, strict=True)):
            length = embeds.shape[1]
            kinds += [int(_kind(segment))] * length
            steps += [segment.step] * length
            images += [index if isinstance(segment, Image) else -1] * length
            grid = segment.media.grid if isinstance(segment, Image) else (1, 1, 1)
            cell.append(cells(grid, length)[:length])
        device = parts[0][0].device
        layout = Layout(
            kind=torch.tensor(kinds, device=device),
            step=torch.tensor(steps, device=device),
            image=torch.tensor(images, device=device),
            cell=torch.cat(cell).to(device),
            valid=torch.cat([valid for _, valid in parts], dim=1),
        )
        return Sequence(torch.cat([embeds for embeds, _ in parts], dim=1), layout)

    def _embed(self, segment: Segment, batch: int) -> tuple[Float[Tensor, "b l d"], Bool[Tensor, "b l"]]:
        match segment:
            case Text():
                return self.read(segment.ids), segment.valid
            case Image():
                tokens = segment.media.tokens
                return tokens, segment.valid[:, None].expand(-1, tokens.shape[1])
            case State():
                embeds = segment.tokens
            case Action():
                embeds = self.read(segment.ids)
            case Slot():
                embeds = segment.vectors.expand(batch, -1, -1)
        return embeds, torch.ones(embeds.shape[:2], dtype=torch.bool, device=embeds.device)

    def positions(self, layout: Layout) -> Int[Tensor, "b s"]:
        """Position of each token, counting valid tokens only, so padding never shifts anything."""
        return (layout.valid.long().cumsum(dim=1) - 1).clamp(min=0)

    def mask(self, layout: Layout) -> Bool[Tensor, "b 1 s s"]:
        """Who may attend to whom; causal unless a family says otherwise. Padding is seen by nobody."""
        length = layout.valid.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=layout.valid.device).tril()
        return visible(causal, layout.valid)

    def slots(self, hidden: Float[Tensor, "b s d"], layout: Layout, num_steps: int = 1) -> Float[Tensor, "b t m d"]:
        """Hidden states at the slots, by step."""
        read_out = hidden[:, layout.where(TokenKind.SLOT)]
        return read_out.reshape(hidden.shape[0], num_steps, -1, hidden.shape[-1])


def visible(allowed: Bool[Tensor, "s s"], valid: Bool[Tensor, "b s"]) -> Bool[Tensor, "b 1 s s"]:
    """Combine a pattern with padding; a padded query sees itself, so that no softmax row is empty."""
    identity = torch.eye(valid.shape[1], dtype=torch.bool, device=valid.device)
    return ((allowed & valid[:, None, :]) | identity)[:, None]


def _kind(segment: Segment) -> TokenKind:
    return TokenKind[type(segment).__name__.upper()]


def _rows(segments: Items[Segment]) -> int:
    for segment in segments:
        match segment:
            case Text() | Action():
                return segment.ids.shape[0]
            case Image():
                return segment.media.tokens.shape[0]
            case State():
                return segment.tokens.shape[0]
    raise AssertionError("a prompt needs at least one segment with rows")
