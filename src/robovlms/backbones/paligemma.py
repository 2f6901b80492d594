"""PaliGemma (arXiv 2407.07726): a bidirectional prefix of image, text and state, then causal slots and actions.

Non-obvious: the Hugging Face decoder is bidirectional or causal depending on whether a 2-D mask holds padding, so an
explicit 4-D mask is always passed; positions start at 1.
"""

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.backbone import visible
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
    def mask(self, layout: Layout) -> Bool[Tensor, "b 1 s s"]:
        length = layout.valid.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=layout.valid.device).tril()
        if not self.prefix_sees_itself:
            return visible(causal, layout.valid)
        prefix = layout.where(TokenKind.TEXT, TokenKind.IMAGE, TokenKind.STATE)
        return visible(causal | (prefix & (layout.step[:, None] >= layout.step[None, :])), layout.valid)
