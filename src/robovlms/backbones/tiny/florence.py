"""Florence-2's miniature."""

from typing import Any

from transformers import CLIPImageProcessorPil, Florence2Config, Florence2ForConditionalGeneration

from robovlms.backbones.tiny.parts import WIDTH, byte_tokenizer, id_of, ids_of


def florence() -> tuple[Any, Any, Any]:
    """Images of 64 pixels, four tokens and their mean; a BART."""
    tokenizer = byte_tokenizer("<image>", ends=True)
    wide = (16, 16, 32, 32)
    vision = {"embed_dim": wide, "depths": (1, 1, 1, 1), "num_heads": (2,) * 4, "num_groups": (2,) * 4}
    text = {"model_type": "bart", "d_model": WIDTH, **_half("encoder"), **_half("decoder"), **ids_of(tokenizer)}
    config = Florence2Config(
        vision_config={**vision, "window_size": 2, "projection_dim": WIDTH},
        text_config={**text, "decoder_start_token_id": tokenizer.eos_token_id, "forced_eos_token_id": None},
        image_token_id=id_of(tokenizer, "<image>"),
    )
    size = {"height": 64, "width": 64}
    processor = CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False)
    return Florence2ForConditionalGeneration(config), tokenizer, processor


def _half(name: str) -> dict[str, Any]:
    return {f"{name}_layers": 2, f"{name}_attention_heads": 2, f"{name}_ffn_dim": 48}


VARIANTS = {"florence": florence}
