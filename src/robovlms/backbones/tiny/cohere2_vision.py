"""Cohere2Vision's miniature."""

from typing import Any

from transformers import Cohere2VisionConfig, Cohere2VisionForConditionalGeneration, SiglipImageProcessorPil

from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, id_of, ids_of


def cohere2_vision() -> tuple[Any, Any, Any]:
    """A SigLIP tower whose 16 tokens an image the connector merges to 4, and a Gemma."""
    tokenizer = byte_tokenizer("<image>", bos="<bos>", eos="<eos>")
    config = Cohere2VisionConfig(
        vision_config={"model_type": "siglip_vision_model", **VIT, "patch_size": 8},
        text_config={"model_type": "gemma", "head_dim": 16, **LLAMA, **ids_of(tokenizer)},
        image_token_id=id_of(tokenizer, "<image>"),
        alignment_intermediate_size=32,
    )
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return Cohere2VisionForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"cohere2_vision": cohere2_vision}
