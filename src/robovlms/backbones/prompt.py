"""The seam between architectures and backbones: a prompt is a list of segments.

An architecture lays a window out as ``Text | Image | State | Action | Slot`` segments; a backbone composes them
into one ``Sequence`` (embeddings plus ``Layout``) and turns it into hidden states. A slot is a learned query whose
last hidden state is read out.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class TokenKind(IntEnum):
    """What a token stands for."""

    TEXT = 0
    IMAGE = 1
    STATE = 2
    ACTION = 3
    SLOT = 4
    BEGIN = 5
    """The token an encoder-decoder's answer starts with."""


@dataclass(frozen=True)
class Media:
    """Encoded images: ``p`` tokens an image on a ``grid`` of (time, height, width) cells.

    ``layers`` are further features of the same tokens, which some decoders (Qwen3-VL) add in their first layers.
    """

    tokens: Float[Tensor, "*f p d"]
    grid: tuple[int, int, int]
    layers: tuple[Float[Tensor, "*f p d"], ...] = ()

    @classmethod
    def unpack(cls, packed: Float[Tensor, "*f p e"], num_layers: int) -> "Media":
        """What ``packed`` put together; images are square."""
        tokens, *layers = packed.chunk(1 + num_layers, dim=-1)
        return cls(tokens, square(tokens.shape[-2]), tuple(layers))

    def packed(self) -> Float[Tensor, "*f p e"]:
        """Tokens and layers as one tensor, to be kept."""
        return torch.cat([self.tokens, *self.layers], dim=-1)

    def at(self, index: Int[Tensor, "..."]) -> "Media":
        """The images at ``index`` along the first axis."""
        return Media(self.tokens[index], self.grid, tuple(layer[index] for layer in self.layers))

    def chunk(self, count: int) -> list["Media"]:
        """The images in ``count`` equal parts along the first axis."""
        layers = zip(*(layer.chunk(count) for layer in self.layers), strict=True) if self.layers else [()] * count
        return [Media(part, self.grid, tuple(of)) for part, of in zip(self.tokens.chunk(count), layers, strict=True)]


@dataclass(frozen=True)
class Text:
    """Token ids of one text per row; padding on either side is marked invalid."""

    ids: Int[Tensor, "b l"]
    valid: Bool[Tensor, "b l"]
    step: int = 0


@dataclass(frozen=True)
class Image:
    """One encoded image per row; ``valid`` is False where a row has no such image (left padding, unused camera)."""

    media: Media
    valid: Bool[Tensor, " b"]
    step: int = 0


@dataclass(frozen=True)
class State:
    """One or more embedded proprioceptive states per row."""

    tokens: Float[Tensor, "b l d"]
    step: int = 0


@dataclass(frozen=True)
class Action:
    """Teacher-forced action tokens of token heads, as ids of the language model's vocabulary."""

    ids: Int[Tensor, "b l"]
    step: int = 0


@dataclass(frozen=True)
class Slot:
    """Learned queries, each its own vector; their hidden states are what a head reads.

    ``valid`` is False where a row has no such step (left padding); None for everywhere.
    """

    vectors: Float[Tensor, "m d"]
    step: int = 0
    valid: Bool[Tensor, " b"] | None = None


Segment = Text | Image | State | Action | Slot


@dataclass(frozen=True)
class Layout:
    """Per token: kind, step, image (counted from 0, -1 if none), cell (time, height, width); per row too: valid.

    ``counted`` are the tokens that take up a position: the valid ones, unless a policy was trained otherwise.
    ``skipped`` are the positions before each token that steps took which are over. ``span`` is how many steps back a
    token may attend, its own included; None for all. Tokens before the first step (step -1) are always in reach.
    """

    kind: Int[Tensor, " s"]
    step: Int[Tensor, " s"]
    image: Int[Tensor, " s"]
    cell: Int[Tensor, "s 3"]
    valid: Bool[Tensor, "b s"]
    counted: Bool[Tensor, "b s"] | None = None
    skipped: Int[Tensor, "b s"] | None = None
    span: int | None = None

    def where(self, *kinds: TokenKind) -> Bool[Tensor, " s"]:
        """Mask of the tokens of these kinds."""
        return torch.isin(self.kind, torch.tensor([int(kind) for kind in kinds], device=self.kind.device))

    def part(self, tokens: slice | Bool[Tensor, " s"]) -> "Layout":
        """Some of the tokens by themselves."""
        shared = {name: getattr(self, name)[tokens] for name in ("kind", "step", "image", "cell")}
        rows = {name: getattr(self, name) for name in ("valid", "counted", "skipped")}
        return replace(self, **shared, **{name: None if of is None else of[:, tokens] for name, of in rows.items()})

    def near(self, count: int) -> Bool[Tensor, "q s"]:
        """Which tokens are in reach of each of the last ``count``, by their steps; an answer only of its own step."""
        ago = self.step[-count:, None] - self.step
        near = (self.kind != TokenKind.ACTION) | (ago == 0)
        return near if self.span is None else near & ((ago < self.span) | (self.step < 0))

    @property
    def num_places(self) -> int:
        """How many positions a row needs: one a token, unless answers take up none of what follows."""
        if self.counted is None or self.skipped is None:
            return len(self.kind)
        return int(self.counted.sum(dim=1).max() + self.skipped.max())

    def answers_apart(self) -> "Layout":
        """The same tokens, where answers (action tokens) take up no position of what follows their step."""
        spoken = self.where(TokenKind.ACTION)
        number = ((self.step[:, None] == self.step) & spoken).tril().sum(dim=1)
        skipped = torch.where(spoken, number, 0).expand_as(self.valid)
        return replace(self, counted=self.valid & ~spoken, skipped=skipped)

    def then(self, other: "Layout") -> "Layout":
        """This layout followed by another one; images are counted on."""
        num_images = int(self.image.max()) + 1
        counted = None
        if self.counted is not None or other.counted is not None:
            sides = [side.valid if side.counted is None else side.counted for side in (self, other)]
            counted = torch.cat(sides, dim=1)
        skipped = self.skipped
        if skipped is not None:
            skipped = torch.cat([skipped, skipped[:, -1:].expand(-1, other.valid.shape[1])], dim=1)
        return Layout(
            kind=torch.cat([self.kind, other.kind]),
            step=torch.cat([self.step, other.step]),
            image=torch.cat([self.image, torch.where(other.image < 0, -1, other.image + num_images)]),
            cell=torch.cat([self.cell, other.cell]),
            valid=torch.cat([self.valid, other.valid], dim=1),
            counted=counted,
            skipped=skipped,
            span=self.span,
        )


@dataclass(frozen=True)
class Sequence:
    """What a backbone thinks about: embeddings, their layout, and the images in the order the layout counts them."""

    embeds: Float[Tensor, "b s d"]
    layout: Layout
    images: tuple[Image, ...] = ()


@dataclass(frozen=True)
class Cache:
    """What was thought before: layout, images, and ``states``, the attention's keys and values in the family's form.

    ``think`` hands back a new one; the old one is spent, because Hugging Face extends ``states`` in place.
    """

    states: Any
    layout: Layout | None = None
    images: tuple[Image, ...] = ()

    def then(self, sequence: Sequence) -> "Cache":
        """This cache's record, with ``sequence`` behind it."""
        layout = sequence.layout if self.layout is None else self.layout.then(sequence.layout)
        return Cache(self.states, layout, self.images + sequence.images)


def square(num_tokens: int) -> tuple[int, int, int]:
    """The grid of an image's tokens where they fill a square; else one row."""
    side = round(num_tokens**0.5)
    return (1, side, side) if side * side == num_tokens else (1, 1, num_tokens)


def cells(grid: tuple[int, int, int], num_tokens: int) -> Int[Tensor, "p 3"]:
    """Grid coordinates of an image's tokens in row-major order; tokens beyond the grid (summaries) get cell 0."""
    coordinates = torch.cartesian_prod(*(torch.arange(extent) for extent in grid))
    extra = num_tokens - len(coordinates)
    return coordinates if extra <= 0 else torch.cat([torch.zeros(extra, 3, dtype=torch.long), coordinates])
