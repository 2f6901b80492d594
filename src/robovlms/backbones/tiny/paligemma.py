"""PaliGemma's miniature."""

from typing import Any

from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, SiglipImageProcessorPil

from robovlms.backbones.tiny.parts import LLAMA, VIT, WIDTH, byte_tokenizer, id_of, ids_of


def paligemma() -> tuple[Any, Any, Any]:
    """A SigLIP tower of 32 pixels and a Gemma."""
    tokenizer = byte_tokenizer("<image>", bos="<bos>", eos="<eos>")
    config = PaliGemmaConfig(
        vision_config={"model_type": "siglip_vision_model", "projection_dim": WIDTH, **VIT},
        text_config={"model_type": "gemma", "head_dim": 16, **LLAMA, **ids_of(tokenizer)},
        image_token_index=id_of(tokenizer, "<image>"),
        projection_dim=WIDTH,
        hidden_size=WIDTH,
    )
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return PaliGemmaForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"paligemma": paligemma}
