"""What describes a Flamingo or an Otter: the settings of two Hugging Face towers and of what stands between them."""

from typing import Any

from transformers import (
    AutoConfig,
    CLIPVisionConfig,
    GPTNeoXForCausalLM,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
)

from robovlms.backbones.mpt import Mpt, mosaic_gpt_config
from robovlms.core.errors import UnknownName

LANGUAGE_MODELS: dict[str, type[PreTrainedModel]] = {
    "llama": LlamaForCausalLM,
    "mpt": Mpt,
    "gpt_neox": GPTNeoXForCausalLM,
}


class FlamingoConfig(PreTrainedConfig):
    """A Flamingo's settings.

    ``language_model`` and ``vision_tower`` are set where these two lie elsewhere (``flamingo_load.py``).
    """

    model_type = "flamingo"

    def __init__(
        self,
        vision_config: dict[str, Any] | CLIPVisionConfig | None = None,
        text_config: dict[str, Any] | PreTrainedConfig | None = None,
        cross_attn_every_n_layers: int = 4,
        max_num_frames: int | None = None,
        num_latents: int = 64,
        resampler_depth: int = 6,
        num_heads: int = 8,
        head_dim: int = 64,
        language_model: str | None = None,
        vision_tower: str | None = None,
        **kwargs: Any,
    ):
        self.vision_config = vision_settings(vision_config or {})
        self.text_config = text_settings(text_config or {})
        self.cross_attn_every_n_layers = cross_attn_every_n_layers
        self.max_num_frames = max_num_frames
        self.num_latents = num_latents
        self.resampler_depth = resampler_depth
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.language_model = language_model
        self.vision_tower = vision_tower
        super().__init__(**kwargs)


class OtterConfig(FlamingoConfig):
    """Otter's settings; ``max_num_frames`` is set for its video models."""

    model_type = "otter"

    def __init__(self, **kwargs: Any):  # without one of its own, transformers would make one that knows no settings
        super().__init__(**kwargs)


def vision_settings(described: dict[str, Any] | CLIPVisionConfig) -> CLIPVisionConfig:
    """The settings of a CLIP tower."""
    return described if isinstance(described, CLIPVisionConfig) else CLIPVisionConfig(**described)


def open_clip_settings(described: dict[str, Any]) -> CLIPVisionConfig:
    """The settings of a CLIP tower as open_clip writes them; it has the heads' width, 64 if it says nothing."""
    vision = described["vision_cfg"]
    return CLIPVisionConfig(
        hidden_size=vision["width"],
        intermediate_size=int(vision["width"] * vision.get("mlp_ratio", 4)),
        num_hidden_layers=vision["layers"],
        num_attention_heads=vision["width"] // vision.get("head_width", 64),
        image_size=vision["image_size"],
        patch_size=vision["patch_size"],
        hidden_act="quick_gelu" if described.get("quick_gelu") else "gelu",
    )


def text_settings(described: dict[str, Any] | PreTrainedConfig) -> PreTrainedConfig:
    """The settings of a language model.

    Raises:
        UnknownName: one that no Flamingo is published with.
    """
    if isinstance(described, PreTrainedConfig):
        return described
    kind = described.get("model_type", "llama")
    if kind == "mosaic_gpt":
        return mosaic_gpt_config(described)
    if kind not in LANGUAGE_MODELS:
        raise UnknownName("language model of a Flamingo", kind, [*LANGUAGE_MODELS, "mosaic_gpt"])
    return AutoConfig.for_model(**{**described, "model_type": kind})
