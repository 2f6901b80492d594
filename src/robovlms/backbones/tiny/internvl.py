"""InternVL's miniature."""

from typing import Any

from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLForConditionalGeneration

from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, id_of, ids_of

_SPECIAL = ("<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>")


def internvl() -> tuple[Any, Any, Any]:
    """A ViT of 32 pixels whose 16 tokens an image become 4, and a Qwen2."""
    tokenizer = byte_tokenizer(*_SPECIAL, bos="<|endoftext|>", eos="<|im_end|>", pad="<|endoftext|>", begins=False)
    config = InternVLConfig(
        vision_config={"model_type": "internvl_vision", **VIT, "patch_size": 8},
        text_config={"model_type": "qwen2", **LLAMA, **ids_of(tokenizer)},
        image_token_id=id_of(tokenizer, "<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    processor = GotOcr2ImageProcessorPil(size={"height": 32, "width": 32})
    return InternVLForConditionalGeneration(config), tokenizer, processor


VARIANTS = {"internvl": internvl}
