"""Miniatures of model types that no family of the package serves: what the generic backbone must take unaided."""

from typing import Any

import transformers as hf

from robovlms.backbones.tiny.parts import LLAMA, VIT, WIDTH, byte_tokenizer, id_of, ids_of

TOKENIZER = byte_tokenizer("<image>", "<image_start>")
IMAGE = id_of(TOKENIZER, "<image>")
SIZE = {"height": 32, "width": 32}
SPLIT = {"crop_to_patches": False}
CLIP = {"model_type": "clip_vision_model", "projection_dim": 32, **VIT}
SIGLIP = {"model_type": "siglip_vision_model", **VIT}
PIXTRAL = {"model_type": "pixtral", "head_dim": 16, **VIT, "image_size": 64}
SAM = {"output_channels": 16, "mlp_dim": 48, "window_size": 2, "global_attn_indexes": [1], **VIT, "image_size": 64}
OVIS = {**VIT, "patch_size": 8, "vocab_size": 64, "hidden_stride": 2, "num_visual_indicator_tokens": 5}
LATENTS = {"resampler_n_latents": 4, "resampler_depth": 1, "resampler_n_heads": 2, "resampler_head_dim": 16}


def text(model_type: str, **more: Any) -> dict[str, Any]:
    """A small language model of this type."""
    return {"model_type": model_type, **LLAMA, **ids_of(TOKENIZER), **more}


def vipllava() -> tuple[Any, Any]:
    layers = {"vision_feature_layers": [-2, -1]}
    config = hf.VipLlavaConfig(vision_config=CLIP, text_config=text("llama"), image_token_index=IMAGE, **layers)
    processor = hf.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIZE)
    return hf.VipLlavaForConditionalGeneration(config), processor


def llava_next() -> tuple[Any, Any]:
    grid = {"image_grid_pinpoints": [[32, 32]]}
    config = hf.LlavaNextConfig(vision_config=CLIP, text_config=text("llama"), image_token_index=IMAGE, **grid)
    processor = hf.LlavaNextImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIZE, **grid)
    return hf.LlavaNextForConditionalGeneration(config), processor


def aya_vision() -> tuple[Any, Any]:
    language = text("cohere2", head_dim=16)
    config = hf.AyaVisionConfig(vision_config=SIGLIP, text_config=language, image_token_index=IMAGE)
    return hf.AyaVisionForConditionalGeneration(config), hf.GotOcr2ImageProcessorPil(size=SIZE, **SPLIT)


def got_ocr2() -> tuple[Any, Any]:
    config = hf.GotOcr2Config(vision_config=SAM, text_config=text("qwen2"), image_token_index=IMAGE)
    processor = hf.GotOcr2ImageProcessorPil(size={"height": 64, "width": 64})
    return hf.GotOcr2ForConditionalGeneration(config), processor


def deepseek_vl() -> tuple[Any, Any]:
    config = hf.DeepseekVLConfig(vision_config=SIGLIP, text_config=text("llama"), image_token_id=IMAGE)
    return hf.DeepseekVLForConditionalGeneration(config), hf.DeepseekVLImageProcessorPil(size=SIZE, min_size=14)


def ovis2() -> tuple[Any, Any]:
    more = {"hidden_size": WIDTH, "visual_indicator_token_ids": [IMAGE + 1] * 5, "image_token_id": IMAGE}
    config = hf.Ovis2Config(vision_config=OVIS, text_config=text("qwen2"), **more)
    return hf.Ovis2ForConditionalGeneration(config), hf.Ovis2ImageProcessorPil(size=SIZE, **SPLIT)


def idefics2() -> tuple[Any, Any]:
    perceiver = {"hidden_size": WIDTH, "num_key_value_heads": 1, **LATENTS}
    config = hf.Idefics2Config(
        vision_config={"model_type": "idefics2_vision", **VIT},
        perceiver_config=perceiver,
        text_config=text("mistral", head_dim=16),
        image_token_id=IMAGE,
    )
    size = {"shortest_edge": 32, "longest_edge": 32}
    processor = hf.Idefics2ImageProcessorPil(size=size, do_image_splitting=False)
    return hf.Idefics2ForConditionalGeneration(config), processor


def lighton_ocr() -> tuple[Any, Any]:
    language = text("qwen3", head_dim=16)
    config = hf.LightOnOcrConfig(vision_config=PIXTRAL, text_config=language, image_token_id=IMAGE)
    processor = hf.PixtralImageProcessorPil(size={"longest_edge": 64}, patch_size=16)
    return hf.LightOnOcrForConditionalGeneration(config), processor


def mistral3() -> tuple[Any, Any]:
    language = text("mistral", head_dim=16)
    config = hf.Mistral3Config(vision_config=PIXTRAL, text_config=language, image_token_index=IMAGE)
    processor = hf.PixtralImageProcessorPil(size={"longest_edge": 64}, patch_size=16)
    return hf.Mistral3ForConditionalGeneration(config), processor


STRANGERS = (vipllava, llava_next, aya_vision, got_ocr2, deepseek_vl, ovis2, idefics2, lighton_ocr, mistral3)
