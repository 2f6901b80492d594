"""Qwen-VL's miniatures."""

from typing import Any

from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLImageProcessorPil

from robovlms.backbones.tiny.parts import LLAMA, WIDTH, byte_tokenizer, id_of, ids_of

_SPECIAL = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def qwen2_vl() -> tuple[Any, Any, Any]:
    """Qwen2-VL with images of 56 pixels, four tokens each."""
    tokenizer = byte_tokenizer(*_SPECIAL, bos="<|endoftext|>", eos="<|im_end|>", pad="<|endoftext|>", begins=False)
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    config = Qwen2VLConfig(
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": WIDTH, "num_heads": 2, "mlp_ratio": 2},
        text_config={"model_type": "qwen2_vl_text", **LLAMA, "rope_parameters": rope, **ids_of(tokenizer)},
        image_token_id=id_of(tokenizer, "<|image_pad|>"),
        video_token_id=id_of(tokenizer, "<|video_pad|>"),
        vision_start_token_id=id_of(tokenizer, "<|vision_start|>"),
        vision_end_token_id=id_of(tokenizer, "<|vision_end|>"),
    )
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 56 * 56})
    return Qwen2VLForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"qwen_vl": qwen2_vl}
