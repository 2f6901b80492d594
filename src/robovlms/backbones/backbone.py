"""A vision-language model behind four verbs: ``see``, ``read``, ``think``, ``speak``.

Composition of a prompt, caching, slot read-out and the attention mask in its general form are written once, here. A
family overrides ``positions`` and ``mask`` and what else differs. A backbone knows nothing of robots, windows or heads.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from transformers import DynamicCache
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.compose import Part, everywhere, join, num_rows
from robovlms.backbones.prompt import (
    Action,
    Begin,
    Cache,
    Image,
    Layout,
    Media,
    Segment,
    Sequence,
    Slot,
    State,
    Text,
    TokenKind,
)
from robovlms.core.errors import UserError


class Backbone(nn.Module, ABC):
    """One VLM family. Attributes: ``model`` (the Hugging Face model), ``tokenizer``, ``image_processor``."""

    model: Any
    tokenizer: Any
    image_processor: Any

    model_types: tuple[str, ...] = ()
    """The Hugging Face ``model_type``s of this family."""
    opening: str = ""
    """What the family writes before anything else. Where it is set, it holds the special tokens, texts hold none."""
    around_image: tuple[str, str] = ("", "")
    """The tokens the family writes before and after an image."""

    @classmethod
    def serves(cls, config: Any) -> bool:
        """Whether this class is the one for a Hugging Face config."""
        return config.model_type in cls.model_types

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
        """Encode RGB images as tokens; ``text`` (a row an image) for families whose tokens depend on it."""

    def read(self, ids: Int[Tensor, "b l"]) -> Float[Tensor, "b l d"]:
        """Embed token ids."""
        return self.word_embedding(ids)

    def think(self, sequence: Sequence, cache: Cache | None = None) -> tuple[Float[Tensor, "b s d"], Cache | None]:
        """Last hidden states of every token, and the extended cache when one is given."""
        known = (cache or Cache(None)).then(sequence)
        return self.decode(sequence.embeds, known), None if cache is None else known

    @abstractmethod
    def decode(self, embeds: Float[Tensor, "b s d"], known: Cache) -> Float[Tensor, "b s d"]:
        """Run the language model on new tokens; ``known`` describes them and all before them."""

    def new_cache(self) -> Cache:
        """An empty cache, for sequences that are thought in several pieces."""
        return Cache(DynamicCache())

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

    def template(self, instruction: str) -> str:
        """The family's wording round an instruction; the same for training and inference."""
        return instruction

    def tokenize(self, texts: Items[str], length: int | None = None) -> Text:
        """Token ids of instructions, right-padded, special tokens as the family expects.

        Training pads to the longest; ``length`` fixes the shape, so that acting never depends on who shares a batch.

        Raises:
            UserError: an instruction needs more than ``length`` tokens.
        """
        wording = [self.template(text) for text in texts]
        encoded = self.tokenizer(
            wording, add_special_tokens=not self.opening, padding=True, padding_side="right", return_tensors="pt"
        )
        ids, valid = encoded["input_ids"], encoded["attention_mask"].bool()
        if length is not None:
            if ids.shape[1] > length:
                raise UserError(f"Instruction too long: {ids.shape[1]} tokens, this policy takes {length}. Shorten it.")
            missing = length - ids.shape[1]
            ids = nn.functional.pad(ids, (0, missing), value=self.tokenizer.pad_token_id)
            valid = nn.functional.pad(valid, (0, missing), value=False)
        device = self.word_embedding_device
        return Text(ids.to(device), valid.to(device))

    @property
    def word_embedding_device(self) -> torch.device:
        """Where token ids must be."""
        return next(self.word_embedding.parameters()).device

    def compose(self, segments: Items[Segment], cache: Cache | None = None) -> Sequence:
        """Lay segments out as one sequence, which continues ``cache`` if that holds something.

        Every segment must have the same number of rows.
        """
        before = None if cache is None else cache.layout
        batch = num_rows(segments) if before is None else before.valid.shape[0]
        parts = [self.words(self.opening, batch, 0)] if self.opening and before is None else []
        for segment in segments:
            parts += self.parts(segment, batch)
        return join(parts, tuple(segment for segment in segments if isinstance(segment, Image)))

    def parts(self, segment: Segment, batch: int) -> list[Part]:
        """The runs of tokens a segment becomes."""
        match segment:
            case Text():
                return [Part(TokenKind.TEXT, segment.step, self.read(segment.ids), segment.valid)]
            case Image():
                return self.image_parts(segment)
            case State():
                kind, embeds = TokenKind.STATE, segment.tokens
            case Action():
                kind, embeds = TokenKind.ACTION, self.read(segment.ids)
            case Slot():
                kind, embeds = TokenKind.SLOT, segment.vectors.expand(batch, -1, -1)
            case Begin():
                raise AssertionError("only an encoder-decoder begins")
        return [Part(kind, segment.step, embeds, everywhere(embeds))]

    def image_parts(self, image: Image) -> list[Part]:
        """An image's tokens between what the family writes around an image; absent where the image is."""
        tokens = image.media.tokens
        valid = image.valid[:, None].expand(-1, tokens.shape[1])
        before, after = (
            [self.words(text, len(tokens), image.step, image.valid)] if text else [] for text in self.around_image
        )
        return [*before, Part(TokenKind.IMAGE, image.step, tokens, valid, image.media.grid), *after]

    def words(self, text: str, batch: int, step: int, valid: Bool[Tensor, " b"] | None = None) -> Part:
        """The same words in every row where ``valid``."""
        ids = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        embeds = self.read(ids.to(self.word_embedding_device)).expand(batch, -1, -1)
        mask = everywhere(embeds) if valid is None else valid[:, None].expand(-1, embeds.shape[1])
        return Part(TokenKind.TEXT, step, embeds, mask)

    def positions(self, layout: Layout) -> Int[Tensor, "*axes b s"]:
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
