"""Miniatures of SmolVLM and Idefics3, whose processors cut images as the originals do."""

from typing import Any

from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    PreTrainedTokenizerFast,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessorPil,
)

from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, id_of, ids_of

_SIZES: dict[str, Any] = {"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 32}}


def smolvlm() -> tuple[Any, Any, Any]:
    """A tower of 32 pixels, four tokens an image."""
    tokenizer = _tokenizer("<|im_start|>")
    config = SmolVLMConfig(**_parts("smolvlm_vision", tokenizer))
    return SmolVLMForConditionalGeneration(config), tokenizer, SmolVLMImageProcessorPil(**_SIZES)


def idefics3() -> tuple[Any, Any, Any]:
    """The same as an Idefics3."""
    tokenizer = _tokenizer("<|begin_of_text|>")
    config = Idefics3Config(**_parts("idefics3_vision", tokenizer))
    return Idefics3ForConditionalGeneration(config), tokenizer, Idefics3ImageProcessorPil(**_SIZES)


def _tokenizer(bos: str) -> PreTrainedTokenizerFast:
    special = ("<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>")
    return byte_tokenizer(*special, bos=bos, eos="<end_of_utterance>", pad="<|im_end|>", begins=False)


def _parts(vision: str, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vision_config": {"model_type": vision, **VIT, "patch_size": 8},
        "text_config": {"model_type": "llama", **LLAMA, **ids_of(tokenizer)},
        "image_token_id": id_of(tokenizer, "<image>"),
        "scale_factor": 2,
    }


VARIANTS = {"smolvlm": smolvlm, "smolvlm-idefics3": idefics3}
