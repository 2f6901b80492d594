"""Idefics (arXiv 2306.16527): an open Flamingo with its own checkpoints; gated layers of a LLaMA look at images.

Non-obvious: images reach the decoder as perceiver latents where the config has a resampler, else as the encoder's
tokens; both have the vision tower's width.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.backbones.compose import Part
from robovlms.backbones.cross_attention import CrossAttentionBackbone
from robovlms.backbones.prompt import Layout, Media, Text


class IdeficsBackbone(CrossAttentionBackbone):
    """Idefics 1."""

    model_types = ("idefics",)
    opening = "<s>User:"
    around_image = ("<fake_token_around_image>", "<fake_token_around_image>")
    marker = "<image>"

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}\nAssistant:"

    @property
    @override
    def vision_tower(self) -> nn.Module:
        return self.model.model.vision_model

    @property
    @override
    def projector(self) -> nn.Module:
        resampler = getattr(self.model.model, "perceiver_resampler", None)
        return resampler or nn.Identity()

    @override
    def arrange(self, parts: list[Part], before: Layout | None) -> list[Part]:
        """Between two images the family writes one token, not the end of one and the start of the other."""
        arranged, after_image = [], torch.zeros_like(parts[0].valid[:, 0])
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            opens = following is not None and following.grid is not None
            arranged.append(part.where(~after_image) if opens else part)
            if len(arranged) > 1 and arranged[-2].grid is not None:
                after_image = after_image | part.valid[:, -1]
            elif not opens and part.grid is None:
                after_image = torch.zeros_like(after_image)
        return arranged

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        tokens = self.projector(self.vision_tower(pixel_values=self.pixels(images)).last_hidden_state)
        return Media(tokens, (1, 1, tokens.shape[1]))

    @override
    def media_inputs(self, tokens: Float[Tensor, "b n p d"], looks: Bool[Tensor, "b s n"]) -> dict[str, Any]:
        name = "perceiver_embeddings" if self.model.config.use_resampler else "image_encoder_embeddings"
        return {name: tokens, "image_attention_mask": looks.long()}

    @override
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        logits = self.model.lm_head(hidden)  # two matrices: trained words, and words added to them
        return logits if ids is None else logits[..., ids]
