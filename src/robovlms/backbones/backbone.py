"""A vision-language model behind four verbs: ``see``, ``read``, ``think``, ``speak``.

Composition of a prompt, caching, slot read-out and the attention mask in its general form are written once, here. A
family overrides ``positions`` and ``mask`` and what else differs. A backbone knows nothing of robots, windows or heads.
"""

from abc import abstractmethod
from collections.abc import Sequence as Items
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from transformers import DynamicCache
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.compose import Part, everywhere, join, num_rows
from robovlms.backbones.prompt import (
    Action,
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
from robovlms.backbones.runs import runs
from robovlms.backbones.wording import Wording
from robovlms.core.errors import UserError

_Own = TypeVar("_Own", bound="Backbone")  # typing.Self says the same, but beartype takes it in whole classes only


class Backbone(Wording):
    """One VLM family. Attributes: ``model`` (the Hugging Face model), ``tokenizer``, ``image_processor``."""

    model: Any
    image_processor: Any

    model_types: tuple[str, ...] = ()
    """The Hugging Face ``model_type``s of this family."""
    sees_by_text: bool = False
    """Whether the tokens of an image depend on the text, which ``see`` then needs."""
    prefix_sees_itself: bool = False
    """Whether images, text and state before the slots see each other, whatever stands first."""
    num_media_layers: int = 0
    """How many ``Media.layers`` the family has."""
    in_runs: bool = True
    """Whether a long window may be thought about in runs of steps: nothing is read again whenever one comes."""

    @property
    def config(self) -> Any:
        """The Hugging Face configuration of the model."""
        return self.model.config

    @classmethod
    def serves(cls, config: Any) -> bool:
        """Whether this class is the one for a Hugging Face config."""
        return config.model_type in cls.model_types

    @property
    @abstractmethod
    def hidden_size(self) -> int:
        """Width ``d`` of the language model."""

    @property
    def num_positions(self) -> int | None:
        """How many tokens the language model has positions for; None for any number."""
        return None

    @property
    @abstractmethod
    def unstreamable(self) -> str:
        """Why an episode cannot be thought on step by step while old steps drop out; empty where it can."""

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
        """Last hidden states of every token, and the extended cache when one is given.

        The long window of one robot that acts is thought about run by run (``runs.py``), which gives the same.

        Raises:
            UserError: the prompt is longer than what the language model has positions for.
        """
        known = (cache or Cache(None)).then(sequence)
        assert known.layout is not None
        if self.num_positions is not None and (got := known.layout.num_places) > self.num_positions:
            most = self.num_positions
            raise UserError(
                f"A prompt of {got} tokens; this VLM has {most} positions. Lower --model.architecture.history or "
                "--model.architecture.max_text_tokens, or choose fewer cameras."
            )
        if cache is None and self.in_runs and len(pieces := runs(sequence)) > 1:
            return self._think_of_runs(pieces), None
        return self.decode(sequence.embeds, known), None if cache is None else known

    def _think_of_runs(self, pieces: Items[Sequence]) -> Float[Tensor, "b s d"]:
        cache, thought = self.new_cache(), []
        for piece in pieces:
            hidden, cache = self.think(piece, cache)
            thought.append(hidden)
        return torch.cat(thought, dim=1)

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
    def train(self: _Own, mode: bool = True) -> _Own:
        """Switch to training, except parts that are frozen: their batch statistics and dropout must not move."""
        super().train(mode)
        for tower in (self.vision_tower, self.text_tower, self.projector):
            if not any(parameter.requires_grad for parameter in tower.parameters()):
                tower.eval()
        return self

    def compose(self, segments: Items[Segment], cache: Cache | None = None, span: int | None = None) -> Sequence:
        """Lay segments out as one sequence, which continues ``cache`` if that holds something.

        Every segment must have the same number of rows. ``span`` is how many steps back a token may attend.
        """
        before = None if cache is None else cache.layout
        batch = num_rows(segments) if before is None else before.valid.shape[0]
        parts = [self.words(self.opening, segments[0].step, batch)] if self.opening and before is None else []
        for segment in segments:
            parts += self.parts(segment, batch)
        images = tuple(segment for segment in segments if isinstance(segment, Image))
        return join(self.arrange(parts, before), images, span)

    def arrange(self, parts: list[Part], before: Layout | None) -> list[Part]:
        """A family's chance to change what stands between segments; ``before`` is what a cache holds."""
        return parts

    def parts(self, segment: Segment, batch: int) -> list[Part]:
        """The runs of tokens a segment becomes."""
        match segment:
            case Text():
                return [Part(TokenKind.TEXT, segment.step, self.read(segment.ids), segment.valid)]
            case Image():
                return self.image_parts(segment)
            case State():
                return [everywhere(TokenKind.STATE, segment.step, segment.tokens)]
            case Action():
                return [everywhere(TokenKind.ACTION, segment.step, self.read(segment.ids))]
            case Slot():
                slots = everywhere(TokenKind.SLOT, segment.step, segment.vectors.expand(batch, -1, -1))
                return [slots if segment.valid is None else slots.where(segment.valid)]

    def image_parts(self, image: Image) -> list[Part]:
        """An image's tokens between what the family writes around an image; absent where the image is."""
        media = everywhere(TokenKind.IMAGE, image.step, image.media.tokens)
        before, after = (self.words(words, image.step, len(image.valid)) for words in self.around_image)
        parts = [before, replace(media, grid=image.media.grid), after]
        return [part.where(image.valid) for part in parts if part.embeds.shape[1]]

    def words(self, text: str, step: int, batch: int) -> Part:
        """The family's own words, the same in every row."""
        return everywhere(TokenKind.TEXT, step, self.read(self.ids_of(text)[None]).expand(batch, -1, -1))

    def positions(self, layout: Layout) -> Int[Tensor, "*axes b s"]:
        """Position of each token, counting valid tokens only, so padding never shifts anything."""
        counted = layout.valid if layout.counted is None else layout.counted
        places = (counted.long().cumsum(dim=1) - 1).clamp(min=0)
        return places if layout.skipped is None else places + layout.skipped

    def mask(self, layout: Layout, count: int) -> Bool[Tensor, "b 1 q s"]:
        """Whom the last ``count`` tokens may attend to; causal unless a family says otherwise."""
        return visible(causal(layout, count), layout)

    def slots(self, hidden: Float[Tensor, "b s d"], layout: Layout, num_steps: int = 1) -> Float[Tensor, "b t m d"]:
        """Hidden states at the slots, by step."""
        read_out = hidden[:, layout.where(TokenKind.SLOT)]
        return read_out.reshape(hidden.shape[0], num_steps, -1, hidden.shape[-1])


def causal(layout: Layout, count: int) -> Bool[Tensor, "q s"]:
    """Each of the last ``count`` tokens, and which are not behind it."""
    place = torch.arange(layout.valid.shape[1], device=layout.valid.device)
    return place[-count:, None] >= place


def visible(allowed: Bool[Tensor, "q s"], layout: Layout) -> Bool[Tensor, "b 1 q s"]:
    """What a pattern allows of what is in reach: padding is seen by nobody, steps beyond the span neither.

    A query that sees nothing sees itself, so that no softmax row is empty.
    """
    place = torch.arange(layout.valid.shape[1], device=layout.valid.device)
    seen = (allowed & layout.near(len(allowed))) & layout.valid[:, None, :]
    itself = place[-len(allowed) :, None] == place
    return (seen | (itself & ~seen.any(dim=-1, keepdim=True)))[:, None]
