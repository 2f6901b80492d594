"""BLIP-2's miniatures."""

from typing import Any

from transformers import Blip2Config, Blip2ForConditionalGeneration, BlipImageProcessorPil, PreTrainedTokenizerFast

from robovlms.backbones.tiny.parts import LAYERS, VIT, WIDTH, byte_tokenizer, id_of, ids_of


def opt() -> tuple[Any, Any, Any]:
    """BLIP-2 with OPT."""
    tokenizer = byte_tokenizer("<image>")
    sizes = {"hidden_size": WIDTH, "ffn_dim": 48, "word_embed_proj_dim": WIDTH, **LAYERS}
    return _around({"model_type": "opt", **sizes, **ids_of(tokenizer)}, tokenizer)


def t5() -> tuple[Any, Any, Any]:
    """BLIP-2 with T5."""
    tokenizer = byte_tokenizer("<image>")
    sizes = {"d_model": WIDTH, "d_ff": 48, "d_kv": 16, "num_layers": 2, "num_heads": 2}
    return _around({"model_type": "t5", **sizes, **ids_of(tokenizer), "decoder_start_token_id": 0}, tokenizer)


def _around(text: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any, Any]:
    qformer = {"hidden_size": WIDTH, "intermediate_size": 48, "encoder_hidden_size": WIDTH, **LAYERS}
    config = Blip2Config(
        vision_config=VIT,
        qformer_config=qformer,
        text_config=text,
        num_query_tokens=4,
        image_token_index=id_of(tokenizer, "<image>"),
    )
    return Blip2ForConditionalGeneration(config), tokenizer, BlipImageProcessorPil(size={"height": 32, "width": 32})


VARIANTS = {"blip2": opt, "blip2-t5": t5}
