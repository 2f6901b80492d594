"""Cross-attention families: images stay beside the text, and gated layers of the decoder look at them.

All cameras of one step are one media item: a token attends to every image of the latest step that has any before it,
never to the last camera only. In the text an image leaves a marker, as the family writes it.
"""

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.compose import Part
from robovlms.backbones.prompt import Cache, Image, Layout, Media, TokenKind
from robovlms.backbones.splice import SpliceBackbone
from robovlms.core.errors import UserError


class CrossAttentionBackbone(SpliceBackbone):
    """A decoder that attends to images beside its sequence. Families say how their decoder is told of them."""

    marker: str
    """The one token the family writes for an image."""

    @override
    def image_parts(self, image: Image) -> list[Part]:
        marked = self.words(self.marker, image.step, len(image.valid)).embeds
        return super().image_parts(Image(Media(marked, (1, 1, 1)), image.valid, image.step))

    @override
    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        assert known.layout is not None
        if not known.images:
            raise UserError(f"{type(self).__name__} was given a prompt without an image; it needs at least one.")
        looks = self.looks(known.layout, known.images)[:, -embeds.shape[1] :]
        tokens = torch.stack([image.media.tokens for image in known.images], dim=1)
        return super().decoder_inputs(embeds, known) | self.media_inputs(tokens, looks)

    @abstractmethod
    def media_inputs(self, tokens: Float[Tensor, "b n p d"], looks: Bool[Tensor, "b s n"]) -> dict[str, Any]:
        """The decoder's arguments for ``n`` images and for which of them each token may look at."""

    def looks(self, layout: Layout, images: tuple[Image, ...]) -> Bool[Tensor, "b s n"]:
        """Which images each token may look at: all of the latest step with an image at or before the token.

        Where steps drop out after a while (``layout.span``), a token looks at its own step's images or at none.
        """
        here = torch.where(layout.where(TokenKind.IMAGE) & layout.valid, layout.step, -1)
        latest = here.cummax(dim=1).values
        steps = torch.tensor([image.step for image in images], device=latest.device)
        present = torch.stack([image.valid for image in images], dim=1)
        seen = (latest[:, :, None] == steps) & present[:, None, :]
        return seen if layout.span is None else seen & (layout.step[:, None] == steps)
