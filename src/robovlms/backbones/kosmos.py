"""KosMos-2 (arXiv 2306.14824): a CLIP tower whose tokens latent queries sum up, and a decoder of its own.

Non-obvious: the decoder multiplies everything it is given by the root of its width, so slots have the scale of words;
positions start behind the id of the padding token; its own mask is causal only, so a whole one is let through.
"""

import functools
from collections.abc import Callable
from typing import Any

from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.backbones.prompt import Cache, Layout, Media, Text, square
from robovlms.backbones.splice import SpliceBackbone


class KosmosBackbone(SpliceBackbone):
    """Microsoft's KosMos-2."""

    model_types = ("kosmos-2",)
    opening = "<s>"
    around_image = ("<image>", "</image>")

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__(model, tokenizer, image_processor)
        tower: Any = self.text_tower
        own = tower._prepare_decoder_attention_mask
        tower._prepare_decoder_attention_mask = functools.partial(_whole_mask_or, own)

    @override
    def template(self, instruction: str) -> str:
        """The wording of the authors of RoboVLMs."""
        return f"<grounding>An image of a robot {instruction}"

    @property
    @override
    def num_positions(self) -> None:
        """Any number: positions are sinusoids, whose table grows."""
        return

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.image_to_text_projection

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        encoded = self.vision_tower(**self.image_inputs(images)).last_hidden_state
        normed = nn.functional.normalize(self.model.vision_model.model.post_layernorm(encoded), dim=-1)
        tokens, _ = self.projector(normed)
        return Media(tokens, square(tokens.shape[1]))

    @override
    def positions(self, layout: Layout) -> Int[Tensor, "b s"]:
        return super().positions(layout) + 1 + self.model.config.text_config.pad_token_id

    @override
    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        inputs = super().decoder_inputs(embeds, known)
        return inputs | {"position_ids": inputs["position_ids"].contiguous()}  # the decoder flattens them in place


def _whole_mask_or(own: Callable[..., Tensor | None], mask: Tensor | None, *described: Any) -> Tensor | None:
    """A mask of queries and keys as it is; from any other the one that the decoder makes."""
    return mask if mask is not None and mask.ndim == 4 else own(mask, *described)
