"""Flamingo's and Otter's miniatures, one a language model."""

import functools
from typing import Any

from transformers import CLIPImageProcessorPil

from robovlms.backbones.flamingo import FlamingoBackbone, OtterBackbone
from robovlms.backbones.flamingo_config import FlamingoConfig, OtterConfig
from robovlms.backbones.flamingo_load import with_tokens
from robovlms.backbones.flamingo_model import FlamingoModel, OtterModel
from robovlms.backbones.tiny.parts import LAYERS, LLAMA, VIT, WIDTH, byte_tokenizer, ids_of

LANGUAGE: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama", **LLAMA},
    "mpt": {"model_type": "mpt", "d_model": WIDTH, "n_heads": 2, "n_layers": 2},
    "mpt-1b": {"model_type": "mpt", "d_model": WIDTH, "n_heads": 2, "n_layers": 2, "attn_config": {"qk_ln": True}},
    "gpt_neox": {"model_type": "gpt_neox", "hidden_size": WIDTH, "intermediate_size": 48, **LAYERS},
}
_VISION = VIT | {"hidden_size": 48}  # another width than the language model's, as published
_RESAMPLER: dict[str, Any] = {"num_latents": 4, "resampler_depth": 1, "num_heads": 2, "head_dim": 16}


def flamingo(language: str) -> tuple[Any, Any, Any]:
    """A CLIP tower of 32 pixels, four latents, and gated layers before every second layer of a language model."""
    config, tokenizer = _described(FlamingoConfig, language, FlamingoBackbone.added)
    return FlamingoModel(config), tokenizer, _processor()


def otter() -> tuple[Any, Any, Any]:
    """An Otter for videos, on LLaMA."""
    config, tokenizer = _described(OtterConfig, "llama", OtterBackbone.added, max_num_frames=8)
    return OtterModel(config), tokenizer, _processor()


def _described(
    kind: type[FlamingoConfig], language: str, added: tuple[str, ...], **more: Any
) -> tuple[FlamingoConfig, Any]:
    tokenizer = with_tokens(byte_tokenizer(begins=language == "llama"), added)
    text = LANGUAGE[language] | ids_of(tokenizer)
    return kind(vision_config=_VISION, text_config=text, cross_attn_every_n_layers=2, **_RESAMPLER, **more), tokenizer


def _processor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})


VARIANTS = {
    "flamingo": functools.partial(flamingo, "llama"),
    **{f"flamingo-{language}": functools.partial(flamingo, language) for language in ("mpt", "mpt-1b", "gpt_neox")},
    "otter": otter,
}
