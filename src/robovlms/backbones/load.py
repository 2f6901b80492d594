"""From a configuration to a backbone: where the weights are, which family they are, which parts train."""

import importlib.resources
from pathlib import Path
from typing import Literal

from pydantic import model_validator
from transformers import AutoConfig

from robovlms.backbones.backbone import Backbone
from robovlms.backbones.paligemma import PaliGemmaBackbone
from robovlms.core.config import Config
from robovlms.core.errors import UnknownName, UserError

PACKAGED = "tiny"
FAMILIES = {"paligemma": PaliGemmaBackbone}
"""Hugging Face ``model_type`` to the family that serves it."""


class BackboneConfig(Config):
    """Which VLM, and what of it learns.

    ``path`` is a local Hugging Face directory, a hub id, or ``tiny``: the small VLM of this package.
    ``vl_pretrained: false`` keeps the architecture and re-initialises every weight (question 1: why VLAs?). ``train``
    is ``all``, ``text`` (the vision tower and its projector are frozen) or ``nothing``.
    """

    path: str = PACKAGED
    vl_pretrained: bool = True
    train: Literal["all", "text", "nothing"] = "all"
    encode_first: bool = False
    """With a frozen vision tower: encode every frame once, before training. Faster steps, no image augmentation."""

    @model_validator(mode="after")
    def _encodable(self) -> "BackboneConfig":
        if self.encode_first and self.train == "all":
            raise ValueError("encode_first needs a frozen vision tower: set model.backbone.train to text")
        return self


def load_backbone(config: BackboneConfig, directory: Path | None = None) -> Backbone:
    """Load the VLM; ``directory`` (a checkpoint's own copy) takes precedence over the configured path.

    Raises:
        UserError: no such directory, or its weights do not fit.
        UnknownName: a model type no family serves.
    """
    source = str(directory) if directory else resolve(config.path)
    try:
        model_type = AutoConfig.from_pretrained(source).model_type
    except (OSError, ValueError) as error:
        raise UserError(f"Backbone '{config.path}': no Hugging Face model there. {error}") from None
    if model_type not in FAMILIES:
        raise UnknownName("model type", model_type, FAMILIES)
    pretrained = directory is not None or config.vl_pretrained
    backbone = FAMILIES[model_type].from_pretrained(source, pretrained)
    _freeze(backbone, config.train)
    return backbone


def resolve(path: str) -> str:
    """The directory or hub id that a configured path stands for."""
    if path != PACKAGED:
        return path
    return str(importlib.resources.files("robovlms.pretraining") / "tiny_vlm")


def _freeze(backbone: Backbone, train: Literal["all", "text", "nothing"]) -> None:
    if train == "text":
        backbone.vision_tower.requires_grad_(False)
        backbone.projector.requires_grad_(False)
    elif train == "nothing":
        backbone.requires_grad_(False)
