"""GLM-4.1V's miniature."""

from typing import Any

from transformers import Glm4vConfig, Glm4vForConditionalGeneration, Glm4vImageProcessorPil

from robovlms.backbones.tiny.parts import LLAMA, WIDTH, byte_tokenizer, id_of, ids_of

_TAGS = ("<|begin_of_image|>", "<|image|>", "<|end_of_image|>", "<|video|>")


def glm4v() -> tuple[Any, Any, Any]:
    """Images of 56 pixels, four tokens each."""
    tokenizer = byte_tokenizer(
        "[gMASK]", "<sop>", "<|user|>", "<|assistant|>", *_TAGS, bos="<|endoftext|>", begins=False
    )
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0, "partial_rotary_factor": 1.0}
    vision = {"depth": 2, "hidden_size": 32, "out_hidden_size": WIDTH, "num_heads": 2, "intermediate_size": 48}
    config = Glm4vConfig(
        vision_config=vision | {"image_size": 56},
        text_config={**LLAMA, "rope_parameters": rope, **ids_of(tokenizer)},
        image_token_id=id_of(tokenizer, "<|image|>"),
        video_token_id=id_of(tokenizer, "<|video|>"),
    )
    processor = Glm4vImageProcessorPil(size={"shortest_edge": 2 * 28 * 28, "longest_edge": 2 * 56 * 56})
    return Glm4vForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"glm4v": glm4v}
