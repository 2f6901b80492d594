"""What is published of each family: hub ids, facts, and the configuration at real size, without any weights.

Figures are the hub's own: parameters in billions as its page or model card rounds them, or its weight files' bytes give
them, for the revision named; what is not known is None. The tests hold each configuration, on the meta device, against
its figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robovlms.core.errors import UserError


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint.

    ``licence`` is the hub's tag; ``num_tokens`` is what one square image of ``image_size`` pixels becomes;
    ``settings`` is its configuration, as far as it differs from the defaults of its ``model_type`` in transformers.
    ``whole`` is false where the hub has what was trained only, and ``docs/backbones.md`` says what to lay beside it.
    """

    family: str
    hub_id: str
    billions: float | None
    licence: str | None
    image_size: int
    num_tokens: int
    revision: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = True


_CLIP_336 = {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
_CLIP_336 |= {"num_attention_heads": 16, "image_size": 336, "patch_size": 14, "projection_dim": 768}
_SIGLIP = {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304, "patch_size": 14}
_SIGLIP |= {"num_hidden_layers": 27, "num_attention_heads": 16, "image_size": 224, "vision_use_head": False}
_GEMMA = {"model_type": "gemma", "hidden_size": 2048, "intermediate_size": 16384, "num_hidden_layers": 18}
_GEMMA |= {"num_attention_heads": 8, "num_key_value_heads": 1, "vocab_size": 257216}
_GEMMA2 = {"model_type": "gemma2", "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26}
_GEMMA2 |= {"num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 257216}
_QWEN2 = {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12}
_QWEN2 |= {"num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True}
_QWEN2_5 = {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16}
_QWEN2_5 |= {"num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True}
_OPT = {"model_type": "opt", "hidden_size": 2560, "ffn_dim": 10240, "num_hidden_layers": 32}
_OPT |= {"num_attention_heads": 32, "word_embed_proj_dim": 2560, "vocab_size": 50304}
_T5 = {"model_type": "t5", "d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_heads": 32}
_T5 |= {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "vocab_size": 32128}
_IDEFICS = {"additional_vocab_size": 2, "qk_layer_norms": True, "use_resampler": True, "cross_layer_interval": 4}
_IDEFICS_EYE = {"embed_dim": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16}
_PERCEIVER = {"resampler_n_latents": 64, "resampler_depth": 6, "resampler_n_heads": 16, "resampler_head_dim": 96}
_BART = {"model_type": "bart", "d_model": 768, "encoder_layers": 6, "decoder_layers": 6, "vocab_size": 51289}
_BART |= {
    "encoder_ffn_dim": 3072,
    "decoder_ffn_dim": 3072,
    "encoder_attention_heads": 12,
    "decoder_attention_heads": 12,
}

_GEMMA3 = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34}
_GEMMA3 |= {"num_attention_heads": 8, "num_key_value_heads": 4}
_MPT_1B: dict[str, Any] = {"model_type": "mpt", "d_model": 2048, "n_heads": 16, "n_layers": 24, "vocab_size": 50280}
_MPT_1B |= {"attn_config": {"qk_ln": True}}
_MPT_7B = {"model_type": "mpt", "d_model": 4096, "n_heads": 32, "n_layers": 32, "vocab_size": 50434}
_REDPAJAMA = {"model_type": "gpt_neox", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32}
_REDPAJAMA |= {"num_attention_heads": 32, "vocab_size": 50434}
_CLIP_224 = _CLIP_336 | {"image_size": 224}


def _flamingo(language: Mapping[str, Any], every: int, kind: str = "flamingo") -> dict[str, Any]:
    return {
        "model_type": kind,
        "vision_config": _CLIP_224,
        "text_config": language,
        "cross_attn_every_n_layers": every,
    }


_VICUNA = {"model_type": "llama", "vocab_size": 32064}

CHECKPOINTS = (
    Checkpoint(
        "kosmos", "microsoft/kosmos-2-patch14-224", 1.66, "mit", 224, 64, "e91cfbcb4ce051b6a55bfb5f96165a3bbf5eb82c",
        {"model_type": "kosmos-2"},
    ),
    Checkpoint(
        "llava", "llava-hf/llava-1.5-7b-hf", 7.06, "llama2", 336, 576, "b234b804b114d9e37bb655e11cbbb5f5e971b7a9",
        {"model_type": "llava", "vision_config": _CLIP_336, "text_config": _VICUNA},
    ),
    Checkpoint(
        "qwen_vl", "Qwen/Qwen2-VL-2B-Instruct", 2.21, "apache-2.0", 224, 64, "895c3a49bc3fa70a340399125c650a463535e71c",
        {"model_type": "qwen2_vl", "vision_config": {"hidden_size": 1536}, "text_config": _QWEN2,
         "tie_word_embeddings": True},
    ),
    Checkpoint(
        "qwen_vl", "Qwen/Qwen2.5-VL-3B-Instruct", None, None, 224, 64,
        "66285546d2b821cf421d4f5eb2576359d3770cd3",
        {"model_type": "qwen2_5_vl", "vision_config": {"hidden_size": 1280, "out_hidden_size": 2048},
         "text_config": _QWEN2_5, "tie_word_embeddings": True},
    ),
    Checkpoint(
        "paligemma", "google/paligemma-3b-pt-224", 2.92, "gemma", 224, 256, "35e4f46485b4d07967e7e9935bc3786aad50687c",
        {"model_type": "paligemma", "vision_config": _SIGLIP, "text_config": _GEMMA, "projection_dim": 2048},
    ),
    Checkpoint(
        "paligemma", "google/paligemma2-3b-pt-224", None, "gemma", 224, 256, "96eeb174da13ca1a2b247e4d0867436296c36420",
        {"model_type": "paligemma", "vision_config": _SIGLIP, "text_config": _GEMMA2, "projection_dim": 2304},
    ),
    Checkpoint(
        "instructblip", "Salesforce/instructblip-vicuna-7b", 7.91, "other", 224, 32,
        "92cb457daed1ceefd6fd7f53294ee42085575cdc",
        {"model_type": "instructblip", "text_config": {"model_type": "llama", "vocab_size": 32001},
         "qformer_config": {"vocab_size": 30523}},
    ),
    Checkpoint(
        "instructblip", "Salesforce/instructblip-flan-t5-xl", 4.02, "mit", 224, 32,
        "6bb7f577f7dbc16a282e0130daf68b0517af2a1c",
        {"model_type": "instructblip", "text_config": _T5, "qformer_config": {"vocab_size": 30523},
         "tie_word_embeddings": False},
    ),
    Checkpoint(
        "blip2", "Salesforce/blip2-opt-2.7b", 3.74, "mit", 224, 32, "59a1ef6c1e5117b3f65523d1c6066825bcf315e3",
        {"model_type": "blip-2", "text_config": _OPT},
    ),
    Checkpoint(
        "blip2", "Salesforce/blip2-flan-t5-xl", 3.94, "mit", 224, 32, "0eb0d3b46c14c1f8c7680bca2693baafdb90bb28",
        {"model_type": "blip-2", "text_config": _T5, "tie_word_embeddings": False},
    ),
    Checkpoint(
        "flamingo", "openflamingo/OpenFlamingo-3B-vitl-mpt1b", 3, None, 224, 64,
        settings=_flamingo(_MPT_1B, 1), whole=False,
    ),
    Checkpoint(
        "flamingo", "openflamingo/OpenFlamingo-4B-vitl-rpj3b", 4, None, 224, 64,
        settings=_flamingo(_REDPAJAMA, 2), whole=False,
    ),
    Checkpoint(
        "flamingo", "openflamingo/OpenFlamingo-9B-vitl-mpt7b", None, None, 224, 64,
        settings=_flamingo(_MPT_7B, 4), whole=False,
    ),
    Checkpoint(
        "otter", "luodian/OTTER-Image-MPT7B", None, None, 224, 64, settings=_flamingo(_MPT_7B, 4, "otter"),
    ),
    Checkpoint(
        "idefics", "HuggingFaceM4/idefics-9b", 8.93, "other", 224, 64,
        "e4096a89ada8c5671e6c439fa57245efbc4809c0",
        {"model_type": "idefics", **_IDEFICS, "vision_config": _IDEFICS_EYE,
         "perceiver_config": {"qk_layer_norms_perceiver": True, **_PERCEIVER}},
    ),
    Checkpoint(
        "florence", "florence-community/Florence-2-base", None, None, 768, 577,
        settings={"model_type": "florence2", "text_config": _BART, "vision_config": {"projection_dim": 768}},
    ),
    Checkpoint(
        "gemma3", "google/gemma-3-4b-it", 4.3, "gemma", 896, 256,
        settings={"model_type": "gemma3", "text_config": _GEMMA3, "vision_config": _SIGLIP | {"image_size": 896}},
    ),
    Checkpoint(
        "mllama", "meta-llama/Llama-3.2-11B-Vision", None, "llama3.2", 560, 1601,
        settings={"model_type": "mllama", "vision_config": {"image_size": 560}},
    ),
    Checkpoint("qwen_vl", "Qwen/Qwen-VL", None, None, 448, 256, settings={"model_type": "qwen"}),
    Checkpoint("cohere2_vision", "CohereLabs/command-a-vision-07-2025", None, "cc-by-nc-4.0", 512, 256),
)  # fmt: skip


def checkpoints_of(family: str) -> tuple[Checkpoint, ...]:
    """The published checkpoints of a family, the default first."""
    return tuple(known for known in CHECKPOINTS if known.family == family)


def default_checkpoint(family: str) -> str:
    """The hub id that stands for a family.

    Raises:
        UserError: none is known, or the hub has parts only.
    """
    known = checkpoints_of(family)
    if whole := [one.hub_id for one in known if one.whole]:
        return whole[0]
    if known:
        parts = ", ".join(one.hub_id for one in known)
        raise UserError(
            f"The hub has parts of '{family}' ({parts}): lay them out as docs/backbones.md says, and give the "
            "directory as path."
        )
    raise UserError(f"No checkpoint of '{family}' is known here: give a directory or hub id as path.")


def real_config(checkpoint: Checkpoint) -> Any:
    """The Hugging Face configuration at real size.

    Raises:
        UserError: it is not known here.
    """
    from transformers import AutoConfig

    if not checkpoint.settings:
        raise UserError(f"The configuration of {checkpoint.hub_id} is not known here; load it from the hub.")
    return AutoConfig.for_model(**checkpoint.settings)


def meta_model(checkpoint: Checkpoint) -> Any:
    """The model at real size on the meta device: shapes and no memory."""
    import torch
    from transformers import AutoModelForImageTextToText

    config = real_config(checkpoint)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    if getattr(config.get_text_config(), "scale_decoder_outputs", None) is False:
        head = model.get_output_embeddings()  # Flan-T5 has its own; transformers ties it until it reads a checkpoint
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
    return model


def count_parameters(checkpoint: Checkpoint) -> int:
    """How many parameters a checkpoint's configuration makes; tied weights count once."""
    return sum(parameter.numel() for parameter in meta_model(checkpoint).parameters())
