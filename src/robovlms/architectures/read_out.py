"""What a head reads of a prompt: hidden states at learned slots, or one pooled vector over its own tokens.

Pooling is upstream's ``down_sample``, which asks for no new tokens; here padding never counts.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from robovlms.backbones.backbone import Backbone
from robovlms.backbones.cross_attention import CrossAttentionBackbone
from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.backbones.prompt import Layout, TokenKind
from robovlms.core.errors import UserError

Read = Literal["slots", "pool_text", "pool_vision", "pool_all"]
Pool = Literal["max", "mean"]

KINDS = {
    "pool_text": (TokenKind.TEXT,),
    "pool_vision": (TokenKind.IMAGE,),
    "pool_all": (TokenKind.TEXT, TokenKind.IMAGE, TokenKind.STATE),
}


def require_poolable(backbone: Backbone, read: Read) -> None:
    """Refuse to pool what a family's prompt does not hold.

    Raises:
        UserError: image tokens of a family without any, or an encoder's tokens, which never see the decoder.
    """
    family = type(backbone).__name__
    if read == "pool_vision" and isinstance(backbone, CrossAttentionBackbone):
        raise UserError(
            f"architecture.read is pool_vision, but {family} keeps images beside its sequence: there are no image "
            "tokens to pool. Set it to slots, pool_text or pool_all."
        )
    if read != "slots" and isinstance(backbone, EncoderDecoderBackbone):
        raise UserError(
            f"architecture.read is {read}, but {family} answers in a decoder, which pooling over its encoder's tokens "
            "would leave out. Set it to slots."
        )


def pooled(hidden: Float[Tensor, "b s d"], layout: Layout, read: Read, pool: Pool) -> Float[Tensor, "b 1 d"]:
    """One vector a row over the valid tokens that ``read`` names."""
    counted = layout.valid & layout.where(*KINDS[read])
    return (_largest if pool == "max" else _mean)(hidden, counted)[:, None]


def _largest(hidden: Float[Tensor, "b s d"], counted: Bool[Tensor, "b s"]) -> Float[Tensor, "b d"]:
    return hidden.masked_fill(~counted[..., None], -torch.inf).amax(dim=1)


def _mean(hidden: Float[Tensor, "b s d"], counted: Bool[Tensor, "b s"]) -> Float[Tensor, "b d"]:
    return hidden.masked_fill(~counted[..., None], 0.0).sum(dim=1) / counted.sum(dim=1, keepdim=True)
