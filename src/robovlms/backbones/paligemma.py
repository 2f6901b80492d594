"""PaliGemma (arXiv 2407.07726): a bidirectional prefix of image, text and state, then causal slots and actions.

Non-obvious: the Hugging Face decoder is bidirectional or causal depending on whether a 2-D mask holds padding, so an
explicit 4-D mask is always passed; positions start at 1.
"""

from jaxtyping import Bool, Int
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.backbone import causal, visible
from robovlms.backbones.prompt import Layout, TokenKind
from robovlms.backbones.splice import SpliceBackbone


class PaliGemmaBackbone(SpliceBackbone):
    """Google's PaliGemma 1 and 2, with any vision tower its config names."""

    model_types = ("paligemma",)
    prefix_sees_itself = True

    @override
    def template(self, instruction: str) -> str:
        """``<bos>instruction`` and a line end, the prompt format of the family (the tokenizer adds the bos)."""
        return f"{instruction}\n"

    @override
    def positions(self, layout: Layout) -> Int[Tensor, "b s"]:
        return super().positions(layout) + 1

    @override
    def mask(self, layout: Layout, count: int) -> Bool[Tensor, "b 1 q s"]:
        if not self.prefix_sees_itself:
            return super().mask(layout, count)
        prefix = layout.where(TokenKind.TEXT, TokenKind.IMAGE, TokenKind.STATE)
        until_now = layout.step[-count:, None] >= layout.step
        return visible(causal(layout, count) | (prefix & until_now), layout)
