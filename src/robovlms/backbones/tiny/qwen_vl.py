"""Qwen-VL's miniatures."""

from typing import Any

from transformers import (
    CLIPImageProcessorPil,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from robovlms.backbones.qwen1_model import QwenVLConfig, QwenVLForConditionalGeneration
from robovlms.backbones.qwen1_vision import HEAD_WIDTH
from robovlms.backbones.tiny.parts import LLAMA, WIDTH, byte_tokenizer, id_of, ids_of

_SPECIAL = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_HALF = [0.5, 0.5, 0.5]


def qwen1_vl() -> tuple[Any, Any, Any]:
    """The first Qwen-VL with images of 64 pixels, whose 16 tokens four queries sum up."""
    special = ("<|im_start|>", "<|im_end|>", "<img>", "</img>", "<imgpad>")
    tokenizer = byte_tokenizer(*special, bos="<|endoftext|>", eos="<|im_end|>", pad="<|endoftext|>", begins=False)
    vision: dict[str, Any] = {"image_size": 64, "patch_size": 16, "width": 32, "layers": 1, "heads": 2, "mlp_ratio": 2}
    vision |= {"output_dim": HEAD_WIDTH, "n_queries": 4, "image_start_id": id_of(tokenizer, "<img>")}
    sizes = {"hidden_size": HEAD_WIDTH, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = QwenVLConfig(**sizes, **ids_of(tokenizer), visual=vision)
    processor = CLIPImageProcessorPil(size={"height": 64, "width": 64}, do_center_crop=False)
    return QwenVLForConditionalGeneration(config), tokenizer, processor


def qwen2_vl() -> tuple[Any, Any, Any]:
    """Qwen2-VL with images of 56 pixels, four tokens each."""
    tokenizer = _tokenizer()
    vision = {"depth": 1, "embed_dim": 32, "hidden_size": WIDTH, "num_heads": 2, "mlp_ratio": 2}
    config = Qwen2VLConfig(vision_config=vision, **_language("qwen2_vl_text", tokenizer))
    return Qwen2VLForConditionalGeneration(config), tokenizer, _processor()


def qwen2_5_vl() -> tuple[Any, Any, Any]:
    """Qwen2.5-VL, whose tower attends in windows: one layer does, the next sees the whole image."""
    tokenizer = _tokenizer()
    vision: dict[str, Any] = {
        "depth": 2,
        "hidden_size": 32,
        "out_hidden_size": WIDTH,
        "num_heads": 2,
        "intermediate_size": 48,
    }
    vision |= {"window_size": 28, "fullatt_block_indexes": [1]}
    config = Qwen2_5_VLConfig(vision_config=vision, **_language("qwen2_5_vl_text", tokenizer))
    return Qwen2_5_VLForConditionalGeneration(config), tokenizer, _processor()


def qwen3_vl() -> tuple[Any, Any, Any]:
    """Qwen3-VL with images of 64 pixels, four tokens each; features of two vision layers go to two decoder layers."""
    tokenizer = _tokenizer()
    vision: dict[str, Any] = {"depth": 3, "hidden_size": 32, "out_hidden_size": WIDTH, "num_heads": 2}
    vision |= {"intermediate_size": 48, "num_position_embeddings": 9, "deepstack_visual_indexes": [0, 1]}
    language = _language("qwen3_vl_text", tokenizer)
    language["text_config"] |= {"head_dim": 16}
    processor = Qwen2VLImageProcessorPil(
        patch_size=16, size={"shortest_edge": 32 * 32, "longest_edge": 64 * 64}, image_mean=_HALF, image_std=_HALF
    )
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(vision_config=vision, **language)), tokenizer, processor


def _tokenizer() -> PreTrainedTokenizerFast:
    return byte_tokenizer(*_SPECIAL, bos="<|endoftext|>", eos="<|im_end|>", pad="<|endoftext|>", begins=False)


def _language(model_type: str, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    return {
        "text_config": {"model_type": model_type, **LLAMA, "rope_parameters": rope, **ids_of(tokenizer)},
        "image_token_id": id_of(tokenizer, "<|image_pad|>"),
        "video_token_id": id_of(tokenizer, "<|video_pad|>"),
        "vision_start_token_id": id_of(tokenizer, "<|vision_start|>"),
        "vision_end_token_id": id_of(tokenizer, "<|vision_end|>"),
    }


def _processor() -> Qwen2VLImageProcessorPil:
    return Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 56 * 56})


VARIANTS = {"qwen_vl": qwen2_vl, "qwen_vl-2.5": qwen2_5_vl, "qwen_vl-3": qwen3_vl, "qwen_vl-1": qwen1_vl}
