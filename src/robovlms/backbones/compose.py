"""How the segments of a prompt become one sequence: parts of embeddings, each with its layout."""

from collections.abc import Sequence as Items
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from robovlms.backbones.prompt import Action, Image, Layout, Segment, Sequence, State, Text, TokenKind, cells


@dataclass(frozen=True)
class Part:
    """A run of tokens of one kind. ``grid`` is set for the tokens of an image."""

    kind: TokenKind
    step: int
    embeds: Float[Tensor, "b l d"]
    valid: Bool[Tensor, "b l"]
    grid: tuple[int, int, int] | None = None

    def where(self, rows: Bool[Tensor, " b"]) -> "Part":
        """The same tokens, absent from the other rows."""
        return replace(self, valid=self.valid & rows[:, None])


def everywhere(kind: TokenKind, step: int, embeds: Float[Tensor, "b l d"]) -> Part:
    """Tokens that every row has."""
    return Part(kind, step, embeds, torch.ones(embeds.shape[:2], dtype=torch.bool, device=embeds.device))


def join(parts: Items[Part], images: tuple[Image, ...], span: int | None = None) -> Sequence:
    """Lay parts one behind the other; ``span`` is how many steps back a token may attend."""
    kinds, steps, numbers, cell, num_images = [], [], [], [], 0
    for part in parts:
        length = part.embeds.shape[1]
        kinds += [int(part.kind)] * length
        steps += [part.step] * length
        numbers += [-1 if part.grid is None else num_images] * length
        cell.append(cells(part.grid or (0, 0, 0), length))
        num_images += part.grid is not None
    device = parts[0].embeds.device
    layout = Layout(
        kind=torch.tensor(kinds, device=device),
        step=torch.tensor(steps, device=device),
        image=torch.tensor(numbers, device=device),
        cell=torch.cat(cell).to(device),
        valid=torch.cat([part.valid for part in parts], dim=1),
        span=span,
    )
    return Sequence(torch.cat([part.embeds for part in parts], dim=1), layout, images)


def num_rows(segments: Items[Segment]) -> int:
    """Rows of a prompt; learned segments (slots) have none of their own."""
    for segment in segments:
        match segment:
            case Text() | Action():
                return segment.ids.shape[0]
            case Image():
                return segment.media.tokens.shape[0]
            case State():
                return segment.tokens.shape[0]
    return 1
