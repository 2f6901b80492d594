"""The key layouts that Flamingos, their language models and their vision towers are published in, as one.

The one is Otter's, which ``flamingo_model.py`` has. Known are OpenFlamingo's; Hugging Face's for LLaMA, MPT and
GPT-NeoX; ``mosaic_gpt``'s (MPT-1B); and those of CLIP from Hugging Face and open_clip.
"""

import re
from collections.abc import Iterable

import torch
from torch import Tensor

Weights = dict[str, Tensor]

_BLOCK = r"^(lang_encoder\.(?:model\.layers|gpt_neox\.layers|transformer\.blocks)\.\d+\.)"
_RENAMED = (
    (r"^module\.", ""),
    (r"^vision_encoder\.vision_model\.", "vision_encoder."),
    (r"^(perceiver\.layers\.\d+\.)0\.", r"\1"),
    (r"^(perceiver\.layers\.\d+\.)1\.", r"\1feed_forward."),
    (_BLOCK + r"gated_cross_attn_layer\.ff\.", r"\1gated_cross_attn_layer.feed_forward."),
    (_BLOCK + r"(?!decoder_layer\.|gated_cross_attn_layer\.)", r"\1decoder_layer."),
    (_BLOCK + r"decoder_layer\.ln_", r"\1decoder_layer.norm_"),
    (_BLOCK + r"decoder_layer\.mlp\.mlp_(up|down)\.", r"\1decoder_layer.ffn.\2_proj."),
    (r"^lang_encoder\.transformer\.ln_f\.", "lang_encoder.transformer.norm_f."),
    (r"^lang_encoder\.embed_out\.", "lang_encoder.lm_head."),
)
_RESBLOCK = r"^visual\.transformer\.resblocks\.(\d+)\."
_CLIP_RENAMED = (
    (r"^vision_model\.", ""),
    (r"^visual\.conv1\.", "embeddings.patch_embedding."),
    (r"^visual\.class_embedding$", "embeddings.class_embedding"),
    (r"^visual\.positional_embedding$", "embeddings.position_embedding.weight"),
    (r"^visual\.ln_pre\.", "pre_layrnorm."),
    (r"^visual\.ln_post\.", "post_layernorm."),
    (_RESBLOCK + r"ln_", r"encoder.layers.\1.layer_norm"),
    (_RESBLOCK + r"attn\.", r"encoder.layers.\1.self_attn."),
    (_RESBLOCK + r"mlp\.c_fc\.", r"encoder.layers.\1.mlp.fc1."),
    (_RESBLOCK + r"mlp\.c_proj\.", r"encoder.layers.\1.mlp.fc2."),
)
_CONSTANT = re.compile(r"rotary_emb\.inv_freq$|attention\.(masked_)?bias$|position_ids$")
"""Buffers that older versions of the towers saved."""
_EMBEDDING = re.compile(r"^lang_encoder\..*\.(embed_tokens|wte|embed_in)\.weight$")


def own_layout(weights: Weights) -> Weights:
    """Weights of a Flamingo or an Otter, or parts of one, under this package's keys."""
    renamed = _rename(weights, _RENAMED)
    return {key: value for key, value in renamed.items() if not _CONSTANT.search(key)}


def language_layout(weights: Weights) -> Weights:
    """Weights of a causal language model, under this package's keys."""
    return own_layout({f"lang_encoder.{key}": value for key, value in weights.items()})


def vision_layout(weights: Weights) -> Weights:
    """Weights of a CLIP vision tower, under this package's keys; the text tower beside it is left out."""
    prefixes = tuple({key.split(".")[0] + "." for key in weights} & {"visual.", "vision_model."}) or ("",)
    tower = _rename({key: value for key, value in weights.items() if key.startswith(prefixes)}, _CLIP_RENAMED)
    tower.pop("visual.proj", None)  # to the space of the text tower
    for packed in [key for key in tower if "in_proj_" in key]:
        parts = tower.pop(packed).chunk(3)
        tower |= {packed.replace("in_proj_", f"{name}_proj."): part for name, part in zip("qkv", parts, strict=True)}
    return own_layout({f"vision_encoder.{key}": value for key, value in tower.items()})


def with_trained(towers: Weights, trained: Weights) -> Weights:
    """The towers with OpenFlamingo's checkpoint, which holds what was trained, over them.

    Older checkpoints hold some of it twice, and the frozen layers; those are left out.
    """
    aliases = ("lang_encoder.old_decoder_blocks.", "lang_encoder.gated_cross_attn_layers.", "vision_encoder.")
    weights = towers | {key: value for key, value in own_layout(trained).items() if not key.startswith(aliases)}
    head = weights.get("lang_encoder.lm_head.weight")
    if head is not None:
        weights["lang_encoder.lm_head.weight"] = _with_rows(head, num_words(weights))
    return weights


def num_words(weights: Weights) -> int:
    """Rows of the word embedding; 0 if there is none."""
    return next((len(value) for key, value in weights.items() if _EMBEDDING.search(key)), 0)


def _with_rows(head: Tensor, rows: int) -> Tensor:
    """OpenFlamingo resizes the vocabulary but does not save the new rows of a head of its own; they get the mean."""
    added = max(rows - len(head), 0)
    return torch.cat([head[:rows], head.mean(dim=0, keepdim=True).expand(added, -1)])


def _rename(weights: Weights, rules: Iterable[tuple[str, str]]) -> Weights:
    for pattern, replacement in rules:
        weights = {re.sub(pattern, replacement, key): value for key, value in weights.items()}
    return weights
