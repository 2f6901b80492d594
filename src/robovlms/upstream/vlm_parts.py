"""What of a published checkpoint is its VLM, and what of a VLM's directory describes it without its weights.

Most families save their VLM as ``backbone.*`` in the layout of its directory. Flamingo
(``robovlms/model/backbone/roboflamingo.py`` of Robot-VLAs/RoboVLMs, 8adc1d2) saves three parts, and its language model
under two names, ``backbone`` and ``model``; OpenFlamingo's language model holds its layers under two more.
"""

import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from robovlms.backbones.flamingo import FlamingoBackbone
from robovlms.backbones.flamingo_layouts import language_layout, own_layout, vision_layout
from robovlms.backbones.flamingo_load import described
from robovlms.core.errors import UserError
from robovlms.upstream.weights import Weights, take

WEIGHT_FILES = {".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack"}
_PARTS_OF_LAYERS = {"old_decoder_blocks": "decoder_layer", "gated_cross_attn_layers": "gated_cross_attn_layer"}
_UNUSED_CLIP = re.compile(
    r"vision_encoder\.(positional_embedding|text_projection|logit_scale|token_embedding\.|ln_final\.|transformer\.)"
)
"""CLIP's text tower, which open_clip builds beside the tower for images."""


def plain_weights(weights: Weights) -> Weights:
    """Remove the VLM's weights from a checkpoint's and return them by the names of its directory."""
    return take(weights, "backbone.")


def copy_directory(vlm: Path, copy: Path) -> None:
    """Copy a directory without its weights."""
    shutil.copytree(vlm, copy, ignore=_weight_files)


def flamingo_weights(weights: Weights) -> Weights:
    """The same for Flamingo.

    Raises:
        UserError: a weight that is saved under several names differs between them.
    """
    twice = [*take(weights, "backbone.").items(), *take(weights, "model.").items()]
    latents = {f"perceiver.{name}": value for name, value in take(weights, "perceiver.").items()}
    towers = {f"vision_encoder.{name}": value for name, value in take(weights, "vision_encoder.").items()}
    seen = take(towers, "vision_encoder.visual.")
    unknown = {name: value for name, value in towers.items() if not _UNUSED_CLIP.match(name)}
    vision = vision_layout({f"visual.{name}": value for name, value in seen.items()})
    return language_layout(_under_one_name(twice)) | vision | own_layout(latents) | unknown


def flamingo_directory(vlm: Path, copy: Path) -> None:
    """Write a Flamingo's settings and tokenizer, wherever its directory says that those of its towers lie."""
    _, config, tokenizer = described(vlm, FlamingoBackbone.added)
    config.language_model = config.vision_tower = None
    config.save_pretrained(copy)
    tokenizer.save_pretrained(copy)


def _under_one_name(weights: Sequence[tuple[str, Tensor]]) -> Weights:
    layers = next((found[1] for name, _ in weights if (found := re.match(r"(.*)\.\d+\.decoder_layer\.", name))), "")
    merged: Weights = {}
    for name, value in weights:
        own = re.sub(r"^(\w+)\.(\d+)", partial(_within, layers), name)
        if not torch.equal(merged.setdefault(own, value), value):
            raise UserError(f"The checkpoint holds {own} under several names, with different values. It is damaged.")
    return merged


def _within(layers: str, found: re.Match[str]) -> str:
    part = _PARTS_OF_LAYERS.get(found[1])
    return f"{layers}.{found[2]}.{part}" if part else found[0]


def _weight_files(_: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(name).suffix in WEIGHT_FILES or name.endswith(".index.json")]
