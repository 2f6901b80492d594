"""The Hugging Face configuration at real size of each checkpoint in ``sizes.py``, without any weights.

A configuration holds what differs from the defaults of its ``model_type`` in transformers.
"""

from collections.abc import Mapping
from typing import Any

Settings = dict[str, Any]


def _layers(width: int, inner: int, layers: int, heads: int, **more: Any) -> Settings:
    """A tower's sizes, by the names that most configurations have for them."""
    sizes = {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers}
    return {**sizes, "num_attention_heads": heads, **more}


def _siglip(image: int, patch: int = 14, layers: int = 27) -> Settings:
    tower = {"model_type": "siglip_vision_model", "image_size": image, "patch_size": patch, "vision_use_head": False}
    return {**tower, **_layers(1152, 4304, layers, 16)}


def _clip(image: int) -> Settings:
    tower = {"model_type": "clip_vision_model", "image_size": image, "patch_size": 14, "projection_dim": 768}
    return {**tower, **_layers(1024, 4096, 24, 16)}


def _flamingo(language: Settings, every: int, kind: str = "flamingo") -> Settings:
    towers = {"vision_config": _clip(224), "text_config": language}
    return {"model_type": kind, "cross_attn_every_n_layers": every, **towers}


_TIED: Settings = {"tie_word_embeddings": True}
_UNTIED: Settings = {"tie_word_embeddings": False}
_QWEN2_HALF = {"model_type": "qwen2", **_layers(896, 4864, 24, 14, num_key_value_heads=2)}
_QWEN2 = _layers(1536, 8960, 28, 12, num_key_value_heads=2, vocab_size=151936) | _TIED
_QWEN2_5 = _layers(2048, 11008, 36, 16, num_key_value_heads=2, vocab_size=151936) | _TIED
_QWEN3 = _layers(2048, 6144, 28, 16, num_key_value_heads=8, head_dim=128, vocab_size=151936) | _TIED
_QWEN3_EYE = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "out_hidden_size": 2048}
_GEMMA = {"model_type": "gemma", **_layers(2048, 16384, 18, 8, num_key_value_heads=1, vocab_size=257216)}
_GEMMA2 = {"model_type": "gemma2", **_layers(2304, 9216, 26, 8, num_key_value_heads=4, vocab_size=257216)}
_GEMMA3 = _layers(2560, 10240, 34, 8, num_key_value_heads=4)
_COMMAND_A = {"model_type": "cohere2", **_layers(12288, 36864, 64, 96, num_key_value_heads=8, head_dim=128)}
_SMOL = {"model_type": "llama", **_layers(960, 2560, 32, 15, num_key_value_heads=5, vocab_size=49280, pad_token_id=2)}
_OPT = {"model_type": "opt", "hidden_size": 2560, "ffn_dim": 10240, "num_hidden_layers": 32}
_OPT |= {"num_attention_heads": 32, "word_embed_proj_dim": 2560, "vocab_size": 50304}
_T5 = {"model_type": "t5", "d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_heads": 32}
_T5 |= {"feed_forward_proj": "gated-gelu", "vocab_size": 32128, **_UNTIED}
_BART = {"model_type": "bart", "d_model": 768, "vocab_size": 51289}
_BART |= {
    f"{side}_{size}": number
    for side in ("encoder", "decoder")
    for size, number in (("layers", 6), ("ffn_dim", 3072), ("attention_heads", 12))
}
_IDEFICS = {"additional_vocab_size": 2, "qk_layer_norms": True, "use_resampler": True, "cross_layer_interval": 4}
_IDEFICS_EYE = {"embed_dim": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16}
_PERCEIVER = {"resampler_n_latents": 64, "resampler_depth": 6, "resampler_n_heads": 16, "resampler_head_dim": 96}
_PERCEIVER |= {"qk_layer_norms_perceiver": True}
_MPT_1B: Settings = {"model_type": "mpt", "d_model": 2048, "n_heads": 16, "n_layers": 24, "vocab_size": 50280}
_MPT_1B |= {"attn_config": {"qk_ln": True}}
_MPT_7B = {"model_type": "mpt", "d_model": 4096, "n_heads": 32, "n_layers": 32, "vocab_size": 50280}
_REDPAJAMA = {"model_type": "gpt_neox", **_layers(2560, 10240, 32, 32, vocab_size=50280)}
_LLAMA = {"model_type": "llama", "vocab_size": 32003}
_BERT: Settings = {"qformer_config": {"vocab_size": 30523}}

REAL_CONFIGS: Mapping[str, Settings] = {
    "microsoft/kosmos-2-patch14-224": {"model_type": "kosmos-2"},
    "llava-hf/llava-1.5-7b-hf": {
        "model_type": "llava", "vision_config": _clip(336), "text_config": {"model_type": "llama", "vocab_size": 32064},
    },
    "Qwen/Qwen2-VL-2B-Instruct": {
        "model_type": "qwen2_vl", "vision_config": {"hidden_size": 1536}, "text_config": _QWEN2, **_TIED,
    },
    "Qwen/Qwen2.5-VL-3B-Instruct": {
        "model_type": "qwen2_5_vl", "text_config": _QWEN2_5, **_TIED,
        "vision_config": {"hidden_size": 1280, "out_hidden_size": 2048},
    },
    "Qwen/Qwen3-VL-2B-Instruct": {
        "model_type": "qwen3_vl", "text_config": _QWEN3, **_TIED,
        "vision_config": _QWEN3_EYE | {"deepstack_visual_indexes": [5, 11, 17]},
    },
    "Qwen/Qwen-VL": {"model_type": "qwen"},
    "google/paligemma-3b-pt-224": {
        "model_type": "paligemma", "vision_config": _siglip(224), "text_config": _GEMMA, "projection_dim": 2048,
    },
    "google/paligemma2-3b-pt-224": {
        "model_type": "paligemma", "vision_config": _siglip(224), "text_config": _GEMMA2, "projection_dim": 2304,
    },
    "Salesforce/instructblip-vicuna-7b": {
        "model_type": "instructblip", "text_config": {"model_type": "llama", "vocab_size": 32064}, **_BERT,
    },
    "Salesforce/instructblip-flan-t5-xl": {"model_type": "instructblip", "text_config": _T5, **_BERT, **_UNTIED},
    "Salesforce/blip2-opt-2.7b": {"model_type": "blip-2", "text_config": _OPT},
    "Salesforce/blip2-flan-t5-xl": {"model_type": "blip-2", "text_config": _T5, **_UNTIED},
    "openflamingo/OpenFlamingo-3B-vitl-mpt1b": _flamingo(_MPT_1B, 1),
    "openflamingo/OpenFlamingo-4B-vitl-rpj3b": _flamingo(_REDPAJAMA, 2),
    "openflamingo/OpenFlamingo-9B-vitl-mpt7b": _flamingo(_MPT_7B, 4),
    "luodian/OTTER-Image-MPT7B": _flamingo(_MPT_7B, 4, "otter"),
    "luodian/OTTER-Image-LLaMA7B-LA-InContext": _flamingo(_LLAMA, 4, "otter"),
    "HuggingFaceM4/idefics-9b": {
        "model_type": "idefics", **_IDEFICS, "vision_config": _IDEFICS_EYE, "perceiver_config": _PERCEIVER,
    },
    "meta-llama/Llama-3.2-11B-Vision": {"model_type": "mllama", "vision_config": {"image_size": 448}},
    "meta-llama/Llama-3.2-11B-Vision-Instruct": {"model_type": "mllama", "vision_config": {"image_size": 560}},
    "florence-community/Florence-2-base": {
        "model_type": "florence2", "text_config": _BART, "vision_config": {"projection_dim": 768},
    },
    "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": {
        "model_type": "llava_onevision", "vision_config": _siglip(384, layers=26),
        "text_config": _QWEN2_HALF | {"vocab_size": 152000} | _TIED, **_TIED,
    },
    "OpenGVLab/InternVL3-1B-hf": {
        "model_type": "internvl", "text_config": _QWEN2_HALF | {"vocab_size": 151674} | _UNTIED, **_UNTIED,
    },
    "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": {
        "model_type": "smolvlm", "scale_factor": 4, "text_config": _SMOL | _UNTIED, **_UNTIED,
        "vision_config": _layers(768, 3072, 12, 12, image_size=512, patch_size=16),
    },
    "google/gemma-3-4b-it": {"model_type": "gemma3", "text_config": _GEMMA3, "vision_config": _siglip(896)},
    "zai-org/GLM-4.1V-9B-Thinking": {"model_type": "glm4v"},
    "CohereLabs/command-a-vision-07-2025": {
        "model_type": "cohere2_vision", "vision_config": _siglip(512, 16), "text_config": _COMMAND_A,
        "alignment_intermediate_size": 36864,
    },
}  # fmt: skip
