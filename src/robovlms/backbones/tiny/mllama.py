"""Mllama's miniature."""

from typing import Any

from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaImageProcessorPil

from robovlms.backbones.tiny.parts import LAYERS, LLAMA, WIDTH, byte_tokenizer, id_of, ids_of

_VISION = {"hidden_size": 32, "intermediate_size": 48, "attention_heads": 2, "image_size": 96, "patch_size": 32}
_TOWERS = {"num_hidden_layers": LAYERS["num_hidden_layers"], "num_global_layers": 1}


def mllama() -> tuple[Any, Any, Any]:
    """Four tiles of 96 pixels and a Llama whose second layer looks at them."""
    tokenizer = byte_tokenizer(bos="<|begin_of_text|>", eos="<|end_of_text|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|image|>"]})
    image = id_of(tokenizer, "<|image|>")
    text = LLAMA | ids_of(tokenizer) | {"vocab_size": image, "cross_attention_layers": [1]}
    vision = _VISION | _TOWERS | {"intermediate_layers_indices": [0], "vision_output_dim": 2 * WIDTH}
    config = MllamaConfig(vision_config=vision, text_config=text, image_token_index=image)
    processor = MllamaImageProcessorPil(size={"height": 96, "width": 96})
    return MllamaForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"mllama": mllama}
