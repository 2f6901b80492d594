"""Idefics' miniature."""

from typing import Any

from transformers import IdeficsConfig, IdeficsForVisionText2Text, IdeficsImageProcessorPil

from robovlms.backbones.tiny.parts import LAYERS, WIDTH, byte_tokenizer, ids_of

_HEAD = {"resampler_head_dim": 16}
_ADDED = ("<fake_token_around_image>", "<image>")


def idefics() -> tuple[Any, Any, Any]:
    """Gated layers that look at eight latents an image."""
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(_ADDED)})
    ids: dict[str, Any] = ids_of(tokenizer) | {"vocab_size": len(tokenizer) - len(_ADDED)}
    config = IdeficsConfig(
        **ids,
        additional_vocab_size=len(_ADDED),
        hidden_size=WIDTH,
        intermediate_size=48,
        **LAYERS,
        cross_layer_interval=1,
        use_resampler=True,
        vision_config={"embed_dim": 32, "image_size": 32, "patch_size": 16, "intermediate_size": 48, **LAYERS},
        perceiver_config={"resampler_n_latents": 8, "resampler_depth": 1, "resampler_n_heads": 2, **_HEAD},
    )
    return IdeficsForVisionText2Text(config), tokenizer, IdeficsImageProcessorPil(image_size=32)


VARIANTS = {"idefics": idefics}
