"""The tiny VLM: a LeViT tower, a pixel-shuffle connector and a two-layer Gemma, 1.2 million parameters.

The class is ``Cohere2VisionForConditionalGeneration``: of the stock classes whose connector merges neighbouring tokens
without loss, it is the one that takes any vision tower and any language model (docs/tiny_vlm.md has the comparison).
LeViT's convolutional stem keeps places that a tiny ViT with large patches lost; its subsampling, which lost them too,
is not used.
"""

from typing import Any

import torch
from transformers import (
    Cohere2VisionConfig,
    Cohere2VisionForConditionalGeneration,
    LevitConfig,
    PreTrainedTokenizerBase,
)

from robovlms.core.config import Config

IMAGE_SIZE = 64
NUM_IMAGES = 2
"""Images of one prompt: the static camera, then the wrist camera."""
PATCH = 16
MERGE = 2
"""The connector makes one token of ``MERGE x MERGE`` neighbours."""


class TinyVLMConfig(Config):
    """Sizes of the tiny VLM: the tower's, the connector's inner layer, the language model's."""

    vision_width: int = 128
    vision_depth: int = 1
    vision_heads: int = 4
    connector: int = 1024
    width: int = 128
    depth: int = 2
    heads: int = 4
    intermediate: int = 256

    @property
    def cells_per_image(self) -> int:
        """Tokens the tower returns for one image."""
        return (IMAGE_SIZE // PATCH) ** 2

    @property
    def tokens_per_image(self) -> int:
        """Image tokens one image becomes."""
        return self.cells_per_image // MERGE**2


def vision_config(config: TinyVLMConfig) -> dict:
    """LeViT's settings for one stage, with the name the connector reads from any tower."""
    settings: dict[str, Any] = {
        "image_size": IMAGE_SIZE,
        "patch_size": PATCH,
        "hidden_sizes": [config.vision_width] * 2,  # LevitConfig reads a second width, whatever the number of stages
        "num_attention_heads": [config.vision_heads],
        "depths": [config.vision_depth],
        "key_dim": [16],
        "mlp_ratio": [2],
        "attention_ratio": [2],
        "down_ops": [],
    }
    return {**LevitConfig(**settings).to_dict(), "hidden_size": config.vision_width}


def build(config: TinyVLMConfig, tokenizer: PreTrainedTokenizerBase) -> Cohere2VisionForConditionalGeneration:
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
    model = Cohere2VisionForConditionalGeneration(
        Cohere2VisionConfig(
            vision_config=vision_config(config),
            text_config=text,
            image_token_id=tokenizer.get_vocab()["<image>"],
            downsample_factor=MERGE,
            alignment_intermediate_size=config.connector,
        )
    )
    # The stock 0.02 is meant for widths of thousands; here it would let next to nothing through the layers.
    with torch.no_grad():
        for part in (model.model.multi_modal_projector, model.model.language_model.layers):
            for parameter in part.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, parameter.shape[1] ** -0.5)
    # What an untrained copy of the saved model begins with (vl_pretrained: false), so that it is a fair opponent.
    model.config.get_text_config().initializer_range = config.width**-0.5
    return model
