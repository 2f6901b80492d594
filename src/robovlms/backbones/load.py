"""From a configuration to a backbone: where the weights are, and which family they are."""

import importlib.resources
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING, AutoConfig

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.blip2 import Blip2OPTBackbone, Blip2T5Backbone
from robovlms.backbones.cohere2_vision import Cohere2VisionBackbone
from robovlms.backbones.config import PACKAGED, BackboneConfig
from robovlms.backbones.fitted import Fitted, fitted
from robovlms.backbones.flamingo import FlamingoBackbone, OtterBackbone
from robovlms.backbones.florence import FlorenceBackbone
from robovlms.backbones.gemma3 import Gemma3Backbone
from robovlms.backbones.generic import GenericBackbone
from robovlms.backbones.glm4v import Glm4vBackbone
from robovlms.backbones.idefics import IdeficsBackbone
from robovlms.backbones.instructblip import InstructBlipT5Backbone, InstructBlipVicunaBackbone
from robovlms.backbones.internvl import InternVLBackbone
from robovlms.backbones.kosmos import KosmosBackbone
from robovlms.backbones.llava import LlavaBackbone
from robovlms.backbones.llava_onevision import LlavaOneVisionBackbone
from robovlms.backbones.mllama import MllamaBackbone
from robovlms.backbones.paligemma import PaliGemmaBackbone
from robovlms.backbones.pretrained import UNREADABLE, PretrainedBackbone
from robovlms.backbones.qwen1 import QwenVLBackbone
from robovlms.backbones.qwen_vl import Qwen2VLBackbone, Qwen3VLBackbone
from robovlms.backbones.sizes import checkpoints_of
from robovlms.backbones.smolvlm import SmolVLMBackbone
from robovlms.backbones.tiny import tiny_directory
from robovlms.core.errors import UnknownName, UserError

TINY_PREFIX = "tiny:"


@dataclass(frozen=True)
class Family:
    """A VLM family: its id, the name it is shown by, and its classes, of which the first that serves is taken."""

    id: str
    name: str
    classes: tuple[type[PretrainedBackbone], ...]


FAMILIES = (
    Family("kosmos", "KosMos", (KosmosBackbone,)),
    Family("llava", "LLaVA", (LlavaBackbone,)),
    Family("qwen_vl", "Qwen-VL", (QwenVLBackbone, Qwen2VLBackbone, Qwen3VLBackbone)),
    Family("paligemma", "PaliGemma", (PaliGemmaBackbone,)),
    Family("instructblip", "InstructBLIP", (InstructBlipVicunaBackbone, InstructBlipT5Backbone)),
    Family("blip2", "BLIP-2", (Blip2OPTBackbone, Blip2T5Backbone)),
    Family("flamingo", "Flamingo", (FlamingoBackbone,)),
    Family("otter", "Otter", (OtterBackbone,)),
    Family("idefics", "Idefics", (IdeficsBackbone,)),
    Family("mllama", "Mllama", (MllamaBackbone,)),
    Family("florence", "Florence-2", (FlorenceBackbone,)),
    Family("llava_onevision", "LLaVA-OneVision", (LlavaOneVisionBackbone,)),
    Family("internvl", "InternVL", (InternVLBackbone,)),
    Family("smolvlm", "SmolVLM", (SmolVLMBackbone,)),
    Family("gemma3", "Gemma 3", (Gemma3Backbone,)),
    Family("glm4v", "GLM-4V", (Glm4vBackbone,)),
    Family("cohere2_vision", "Cohere2Vision", (Cohere2VisionBackbone,)),
)


def load_backbone(config: BackboneConfig, directory: Path | None = None) -> Fitted:
    """Load the VLM; ``directory`` (a checkpoint's own copy) takes precedence over the configured path.

    Raises:
        UserError: no such directory, its weights do not fit, or this VLM lacks what the configuration asks for.
        UnknownName: a model type no family serves.
    """
    source = str(directory or config.path)
    pretrained = directory is not None or config.vl_pretrained
    backbone = fitted(class_at(source)).from_pretrained(resolve(source), pretrained)
    assert isinstance(backbone, Fitted)
    _image_spec(type(backbone), backbone.image_processor, source)
    backbone.fit(config)
    return backbone


def image_spec_at(path: str) -> ImageSpec:
    """The pixels of the VLM at a configured path; no weights are read.

    Raises:
        UserError: no such directory, or its image processor does not say.
        UnknownName: a model type no family serves.
    """
    source, family = str(resolve(path)), class_at(path)
    try:
        processor = family.processors(source)[1]
    except (OSError, ValueError) as error:
        raise UserError(f"{source} is not a Hugging Face VLM directory: {error}") from None
    return _image_spec(family, processor, source)


def _image_spec(family: type[PretrainedBackbone], processor: Any, source: str) -> ImageSpec:
    try:
        return family.read_image_spec(processor)
    except (*UNREADABLE, StopIteration) as error:
        why = f"{type(error).__name__}: {error}"
        raise UserError(
            f"{source}: preprocessor_config.json gives no size, mean or deviation of square images ({why})."
        ) from None


def class_at(path: str) -> type[PretrainedBackbone]:
    """The class that serves what a configured path stands for.

    Raises:
        UserError: no Hugging Face model there.
        UnknownName: a model type no family serves.
    """
    try:
        described = AutoConfig.from_pretrained(resolve(path))
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"Backbone '{path}': no Hugging Face model there. {_hint(path)}{error}") from None
    return backbone_class(described)


def _hint(path: str) -> str:
    """What whoever gives a family as path may have meant, or that a directory does not exist."""
    for family in FAMILIES:
        if path in (family.id, family.name):
            known = [one.hub_id for one in checkpoints_of(family.id)]
            published = f"its directory or hub id ({', '.join(known)})" if known else "its directory or hub id"
            return f"{family.name} is a family: give {published}, or {TINY_PREFIX}{family.id}. "
    if path.startswith(("/", ".", "~")) and not Path(path).expanduser().exists():
        return "There is no such directory. "
    return ""


def backbone_class(config: Any) -> type[PretrainedBackbone]:
    """The class that serves a Hugging Face config: a family's, else the generic one for image-text-to-text models.

    Raises:
        UnknownName: neither.
    """
    for family in FAMILIES:
        for candidate in family.classes:
            if candidate.serves(config):
                return candidate
    if type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        return GenericBackbone
    known = {name for family in FAMILIES for one in family.classes for name in one.model_types}
    raise UnknownName("model type", config.model_type, known)


def family_of(name: str) -> Family:
    """The family with this id or display name.

    Raises:
        UnknownName: none; the nearest is offered.
    """
    for family in FAMILIES:
        if name in (family.id, family.name):
            return family
    raise UnknownName("backbone", name, [family.id for family in FAMILIES])


def resolve(path: str) -> str:
    """The directory or hub id that a configured path stands for."""
    if path.startswith(TINY_PREFIX):
        return str(tiny_directory(path.removeprefix(TINY_PREFIX)))
    if path != PACKAGED:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    return str(importlib.resources.files("robovlms.pretraining") / "tiny_vlm")
