"""LLaVA's miniature."""

from typing import Any

from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration

from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, id_of, ids_of


def llava() -> tuple[Any, Any, Any]:
    """A CLIP tower of 32 pixels and a LLaMA."""
    tokenizer = byte_tokenizer("<image>")
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", "projection_dim": 32, **VIT},
        text_config={"model_type": "llama", **LLAMA, **ids_of(tokenizer)},
        image_token_index=id_of(tokenizer, "<image>"),
    )
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return LlavaForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"llava": llava}
