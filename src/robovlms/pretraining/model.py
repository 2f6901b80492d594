"""The tiny VLM: a PaliGemma with a LeViT tower and a two-layer Gemma, about 1.8 million parameters.

Why these parts: image and text tokens of a PaliGemma prefix see each other, so the text can ask the image; LeViT's
convolutional stem keeps places that a tiny ViT with large patches lost (docs/tiny_vlm.md has the comparison).
"""

from typing import Any

import torch
from transformers import LevitConfig, PaliGemmaConfig, PaliGemmaForConditionalGeneration, PreTrainedTokenizerBase

from robovlms.core.config import Config

IMAGE_SIZE = 64
NUM_IMAGES = 2
"""Images of one prompt: the static camera, then the wrist camera."""


class TinyVLMConfig(Config):
    """Sizes of the tiny VLM. ``stages`` are the LeViT widths; each further stage halves the grid of tokens."""

    stages: tuple[int, ...] = (192, 256)
    vision_heads: int = 4
    width: int = 128
    depth: int = 2
    heads: int = 4
    intermediate: int = 256

    @property
    def tokens_per_image(self) -> int:
        """Image tokens one image becomes: a 4 x 4 grid after the stem, halved by each further stage."""
        return (IMAGE_SIZE // 16 // 2 ** (len(self.stages) - 1)) ** 2


def vision_config(config: TinyVLMConfig) -> dict:
    """LeViT's settings, with the two names PaliGemma reads from any tower."""
    count = len(config.stages)
    key = 16
    settings: dict[str, Any] = {
        "image_size": IMAGE_SIZE,
        "patch_size": 16,
        "hidden_sizes": list(config.stages),
        "num_attention_heads": [config.vision_heads] * count,
        "depths": [1] * count,
        "key_dim": [key] * count,
        "mlp_ratio": [2] * count,
        "attention_ratio": [2] * count,
        "down_ops": [["Subsample", key, width // (2 * key), 4, 2, 2] for width in config.stages[:-1]],
    }
    levit = LevitConfig(**settings).to_dict()
    return {**levit, "hidden_size": config.stages[-1], "projection_dim": config.width}


def build(config: TinyVLMConfig, tokenizer: PreTrainedTokenizerBase) -> PaliGemmaForConditionalGeneration:
    """Build the model with random weights for this tokenizer."""
    text = {
        "model_type": "gemma",
        "vocab_size": len(tokenizer),
        "hidden_size": config.width,
        "intermediate_size": config.intermediate,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads,
        "head_dim": config.width // config.heads,
        "max_position_embeddings": 512,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    model = PaliGemmaForConditionalGeneration(
        PaliGemmaConfig(
            vision_config=vision_config(config),
            text_config=text,
            image_token_index=tokenizer.get_vocab()["<image>"],
            projection_dim=config.width,
            hidden_size=config.width,
        )
    )
    # The stock 0.02 is meant for widths of thousands; here it would let next to nothing through the layers.
    with torch.no_grad():
        for parameter in model.model.language_model.layers.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, parameter.shape[1] ** -0.5)
    return model
