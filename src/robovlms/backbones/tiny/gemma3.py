"""Gemma 3's miniature."""

from typing import Any

from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil

from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, id_of, ids_of

_SPECIAL = ("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>")


def gemma3() -> tuple[Any, Any, Any]:
    """Four tokens an image; one layer looks back eight tokens, the other at everything."""
    tokenizer = byte_tokenizer(*_SPECIAL, bos="<bos>", eos="<eos>")
    layers = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}
    config = Gemma3Config(
        vision_config={"model_type": "siglip_vision_model", "vision_use_head": False, **VIT, "patch_size": 8},
        text_config={**LLAMA, "head_dim": 16, "query_pre_attn_scalar": 16, **layers, **ids_of(tokenizer)},
        mm_tokens_per_image=4,
        boi_token_index=id_of(tokenizer, "<start_of_image>"),
        eoi_token_index=id_of(tokenizer, "<end_of_image>"),
        image_token_index=id_of(tokenizer, "<image_soft_token>"),
    )
    return Gemma3ForConditionalGeneration(config), tokenizer, Gemma3ImageProcessorPil(size={"height": 32, "width": 32})


VARIANTS = {"gemma3": gemma3}
