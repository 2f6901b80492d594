"""Florence-2 (arXiv 2311.06242): a DaViT whose tokens a BART encodes together with the words.

Served as transformers' own class has it (``florence-community/*``); the first checkpoints bring their own code and key
names and have to be converted.
"""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.core.errors import UserError


class FlorenceBackbone(EncoderDecoderBackbone):
    """Microsoft's Florence-2."""

    model_types = ("florence2",)

    @property
    @override
    def text_tower(self) -> Any:
        return self.model.model.language_model

    @override
    def placed(
        self, embeds: Float[Tensor, "b q d"], positions: Int[Tensor, "b s"], places: Int[Tensor, "b s"]
    ) -> tuple[Float[Tensor, "b q d"], Float[Tensor, "b h q s"] | None]:
        learned, count = self.decoder.embed_positions, embeds.shape[1]
        if (most := len(learned.weight) - learned.offset) < places.shape[1]:
            raise UserError(
                f"Answers of {places.shape[1]} tokens in all; the decoder of this VLM has {most} places. "
                "Use fewer frames, or shorter chunks."
            )
        right, counted = (learned.weight[of[:, -count:] + learned.offset] for of in (positions, places))
        return embeds + right - counted, None
