"""A model's own Hugging Face forward on a backbone's prompt: what hidden states are held against."""

from collections.abc import Sequence as Items
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from robovlms.backbones.cross_attention import CrossAttentionBackbone
from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.backbones.prompt import Image, Text


def placeholder(backbone: PretrainedBackbone) -> int:
    """The token id that stands for one image token in the model's own prompts."""
    config = backbone.model.config
    if isinstance(backbone, CrossAttentionBackbone):
        return backbone.tokenizer.convert_tokens_to_ids(backbone.marker)
    named = (getattr(config, name) for name in ("image_token_id", "image_token_index") if hasattr(config, name))
    return next(named, backbone.tokenizer.unk_token_id)  # KosMos-2 is told by a mask; the ids there count for nothing


def token_ids(backbone: PretrainedBackbone, segments: Items[Image | Text]) -> Int[Tensor, "b s"]:
    """The prompt as the model's own forward reads it: placeholders where images are."""
    rows = segments[0].valid.shape[0]

    def words(text: str) -> Tensor:
        ids = backbone.tokenizer(text, add_special_tokens=False)["input_ids"]
        return torch.tensor(ids, dtype=torch.long).expand(rows, -1)

    parts = [words(backbone.opening)]
    for segment in segments:
        if isinstance(segment, Text):
            parts.append(segment.ids)
            continue
        before, after = backbone.around_image
        beside = isinstance(backbone, CrossAttentionBackbone)
        image = torch.full((rows, 1 if beside else segment.media.tokens.shape[1]), placeholder(backbone))
        parts += [words(before), image, words(after)]
    return torch.cat(parts, dim=1)


def own_inputs(
    backbone: PretrainedBackbone, images: UInt8[Tensor, "f h w 3"], text: Text | None = None
) -> dict[str, Tensor]:
    """The images, and the text they depend on, as the model's own forward takes them; one image a row."""
    inputs = backbone.image_inputs(images) | backbone.text_inputs(text)
    if isinstance(backbone, CrossAttentionBackbone):  # a row holds a list of images there
        return {name: value[:, None] for name, value in inputs.items()}
    return inputs


def own_forward(
    backbone: PretrainedBackbone, ids: Int[Tensor, "b s"], **inputs: Any
) -> tuple[Float[Tensor, "b s2 d"], Float[Tensor, "b s3 v"]]:
    """Last hidden states and logits of the model's own forward; ``inputs``: pixels and what else this family wants."""
    tower = backbone.decoder if isinstance(backbone, EncoderDecoderBackbone) else backbone.text_tower
    found: list[Tensor] = []
    hook = tower.register_forward_hook(lambda _, __, output: found.append(output.last_hidden_state))
    try:
        output = backbone.model(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs)
    finally:
        hook.remove()
    return found[-1], output.logits
