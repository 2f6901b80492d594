"""Gemma 3 (arXiv 2503.19786): tokens of an image see each other; most layers look back a limited distance only.

Non-obvious: the decoder wants a mask for each kind of layer. Distances are counted in valid tokens, so padding never
pushes a word out of the window. Google's tokenizer has one token for three line ends, so those before the first image
are part of the opening, and between two images stand two line ends, not four.
"""

from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.backbone import causal, visible
from robovlms.backbones.prompt import Cache, Layout
from robovlms.backbones.splice import SpliceBackbone


class Gemma3Backbone(SpliceBackbone):
    """Google's Gemma 3 with images; a frame is one image, without the crops of "pan and scan"."""

    model_types = ("gemma3",)
    opening = "<bos><start_of_turn>user\n\n\n"
    around_image = ("<start_of_image>", "<end_of_image>\n\n")

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<end_of_turn>\n<start_of_turn>model\n"

    @override
    def mask(self, layout: Layout, count: int) -> Bool[Tensor, "b 1 q s"]:
        together = (layout.image[-count:, None] == layout.image) & (layout.image >= 0)
        return visible(causal(layout, count) | together, layout)

    @override
    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        assert known.layout is not None
        inputs = super().decoder_inputs(embeds, known)
        place = self.positions(known.layout)
        window = self.model.config.get_text_config().sliding_window
        near = place[:, -embeds.shape[1] :, None] - place[:, None, :] < window
        full = inputs["attention_mask"]
        return inputs | {"attention_mask": {"full_attention": full, "sliding_attention": full & near[:, None]}}
