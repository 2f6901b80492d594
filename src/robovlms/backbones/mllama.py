"""Llama 3.2 Vision (arXiv 2407.21783, section 7): gated layers of a Llama look at the tokens of an image's tile.

Non-obvious: a frame is one tile. The tower still runs on all the tiles the model has, empty ones too, as its own image
processor has it, because empty tiles change the others. A token before any image looks at one key of zeros and thus
finds nothing; Hugging Face's forward lets it look at all images, later ones too.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.cross_attention import CrossAttentionBackbone
from robovlms.backbones.prompt import Cache, Media, Text

_WHOLE = [1, 1]
"""The aspect ratio of an image that is one tile."""


class MllamaBackbone(CrossAttentionBackbone):
    """Mllama, by the prompt of its base models: ``<|image|><|begin_of_text|>words``."""

    model_types = ("mllama",)
    marker = "<|image|>"

    @property
    @override
    def unstreamable(self) -> str:
        return "its layers that look at images keep the keys of all of them"

    @override
    def image_inputs(self, images: UInt8[Tensor, "f h w 3"]) -> dict[str, Tensor]:
        vision = self.model.config.vision_config
        tiles = torch.zeros(len(images), vision.max_num_tiles, dtype=torch.long, device=images.device)
        tiles[:, 0] = 1
        ratio: Int[Tensor, " f"] = tiles[:, 0] * (1 + vision.supported_aspect_ratios.index(_WHOLE))
        pixels = self.pixels(images)[:, None] * tiles[:, :, None, None, None]
        return {"pixel_values": pixels, "aspect_ratio_ids": ratio, "aspect_ratio_mask": tiles}

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        inputs = {name: value[:, None] for name, value in self.image_inputs(images).items()}
        features = self.vision_tower(**inputs).last_hidden_state[:, 0, 0]
        tokens = self.projector(features)
        return Media(tokens, (1, 1, tokens.shape[1]))

    @override
    def media_inputs(self, tokens: Float[Tensor, "b n p d"], looks: Bool[Tensor, "b s n"]) -> dict[str, Any]:
        nothing = ~looks.any(dim=2, keepdim=True)
        mask = torch.cat([nothing, looks.repeat_interleave(tokens.shape[2], dim=2)], dim=2)
        states = torch.cat([torch.zeros_like(tokens[:, 0, :1]), tokens.flatten(1, 2)], dim=1)
        return {
            "cross_attention_states": states,
            "cross_attention_mask": mask[:, None],
            "full_text_row_masked_out_mask": (~nothing)[:, None].to(tokens.dtype),
        }

    @override
    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        """Keys of images that were thought of before are in the cache already."""
        inputs = super().decoder_inputs(embeds, known)
        assert known.layout is not None
        cached = 1 + max(known.layout.image[: -embeds.shape[1]].tolist(), default=-1)
        if known.states is not None and cached:
            states = inputs["cross_attention_states"][:, 1 + cached * known.images[0].media.tokens.shape[1] :]
            inputs["cross_attention_states"] = states if states.shape[1] else None
        return inputs
