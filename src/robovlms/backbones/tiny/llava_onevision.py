"""LLaVA-OneVision's miniature."""

from typing import Any

from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
)

from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, id_of, ids_of

_GRID = [[32, 32], [32, 64], [64, 32]]


def llava_onevision() -> tuple[Any, Any, Any]:
    """A SigLIP tower of 32 pixels, four tokens and a line end an image, and a Qwen2."""
    special = ("<|im_start|>", "<|im_end|>", "<image>", "<video>")
    tokenizer = byte_tokenizer(*special, bos="<|endoftext|>", eos="<|im_end|>", pad="<|endoftext|>", begins=False)
    config = LlavaOnevisionConfig(
        vision_config={"model_type": "siglip_vision_model", "vision_use_head": False, **VIT},
        text_config={"model_type": "qwen2", **LLAMA, **ids_of(tokenizer)},
        image_token_index=id_of(tokenizer, "<image>"),
        video_token_index=id_of(tokenizer, "<video>"),
        image_grid_pinpoints=_GRID,
    )
    processor = LlavaOnevisionImageProcessorPil(size={"height": 32, "width": 32}, image_grid_pinpoints=_GRID)
    return LlavaOnevisionForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"llava_onevision": llava_onevision}
