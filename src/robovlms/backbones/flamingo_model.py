"""Flamingo (arXiv 2204.14198) as OpenFlamingo (arXiv 2308.01390) and Otter (arXiv 2305.03726) publish it.

Transformers has no such class: a CLIP tower and a language model of Hugging Face, a resampler between them, and gated
cross-attention before layers of the language model. Non-obvious: nothing about a prompt is kept on modules; the latents
and who may look at them are arguments, which Hugging Face's decoders hand down to their layers.
"""

from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import CLIPVisionModel, PreTrainedModel
from typing_extensions import override

from robovlms.backbones.flamingo_config import LANGUAGE_MODELS, FlamingoConfig, OtterConfig
from robovlms.backbones.perceiver import GatedCrossAttention, Resampler


class FlamingoLayer(nn.Module):
    """A layer of the language model, with a look at images before it where the config asks for one."""

    def __init__(self, gated: GatedCrossAttention | None, decoder_layer: nn.Module):
        super().__init__()
        self.gated_cross_attn_layer = gated
        self.decoder_layer = decoder_layer

    @override
    def forward(
        self, x: Float[Tensor, "b s d"], *, media: Float[Tensor, "b n p e"], looks: Bool[Tensor, "b s n"], **kwargs: Any
    ) -> Any:
        if self.gated_cross_attn_layer is not None:
            x = self.gated_cross_attn_layer(x, media, looks)
        return self.decoder_layer(x, **kwargs)


class FlamingoModel(PreTrainedModel):
    """CLIP, resampler and language model, in Otter's key layout."""

    config_class = FlamingoConfig
    base_model_prefix = "flamingo"
    supports_gradient_checkpointing = True

    def __init__(self, config: FlamingoConfig):
        super().__init__(config)
        seen, heads = config.vision_config.hidden_size, (config.num_heads, config.head_dim)
        self.vision_encoder = CLIPVisionModel(config.vision_config)
        self.perceiver = Resampler(seen, config.num_latents, config.resampler_depth, *heads, config.max_num_frames)
        self.lang_encoder = LANGUAGE_MODELS[config.text_config.model_type](config.text_config)
        for index, block in enumerate(self.blocks):
            looks = (index + 1) % config.cross_attn_every_n_layers == 0
            gated = GatedCrossAttention(config.text_config.hidden_size, seen, *heads) if looks else None
            self.blocks[index] = FlamingoLayer(gated, block)
        self.post_init()

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers of the language model."""
        decoder = self.get_decoder()
        return decoder.blocks if hasattr(decoder, "blocks") else decoder.layers

    @override
    def get_decoder(self) -> Any:
        return self.lang_encoder.base_model

    @override
    def get_input_embeddings(self) -> nn.Module:
        return self.lang_encoder.get_input_embeddings()

    @override
    def get_output_embeddings(self) -> nn.Module:
        return self.lang_encoder.get_output_embeddings()

    def get_image_features(self, pixel_values: Float[Tensor, "f 3 h w"]) -> Float[Tensor, "f l e"]:
        """The latents of images. CLIP's summary token and its last norm are not used."""
        cells = self.vision_encoder(pixel_values=pixel_values).last_hidden_state[:, 1:]
        return self.perceiver(cells[:, None])


class OtterModel(FlamingoModel):
    """The same, under Otter's config."""

    config_class = OtterConfig
