"""Which of a VLM's parameters train: every parameter belongs to one part, and a part trains or is frozen."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from robovlms.backbones.adapters import is_adapter
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.config import BackboneConfig, Part
from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.core.errors import UserError


def freeze(backbone: Backbone, config: BackboneConfig) -> None:
    """Decide for every parameter of the VLM; some Hugging Face models arrive half frozen.

    Raises:
        UserError: more last layers than there are.
    """
    parts = part_of_each(backbone)
    last = None if config.last_layers is None else {id(p) for p in _last_layers(backbone, config.last_layers)}
    for name, parameter in backbone.model.named_parameters():
        trains = parts[name] in config.train and (last is None or parts[name] != "text" or id(parameter) in last)
        parameter.requires_grad_(trains or is_adapter(name))


def part_of_each(backbone: Backbone) -> dict[str, Part]:
    """The part of each parameter, by its name in the model; what is in no tower (query tokens) connects them."""
    head = backbone.model.get_output_embeddings()
    modules: tuple[tuple[Part, Any], ...] = (
        ("projector", backbone.projector),  # may stand inside the vision tower
        ("vision", backbone.vision_tower),  # may stand inside the text tower
        ("text", backbone.text_tower),
        ("text", backbone.word_embedding),
        ("text", head or nn.Identity()),
    )
    known: dict[int, Part] = {}
    for part, module in modules:
        for parameter in module.parameters():
            known.setdefault(id(parameter), part)
    return {name: known.get(id(parameter), "projector") for name, parameter in backbone.model.named_parameters()}


def layers(backbone: Backbone) -> nn.ModuleList:
    """The language model's layers, those of its decoder where it has an encoder, too."""
    lists = [child for child in _stack(backbone).children() if isinstance(child, nn.ModuleList)]
    return max(lists, key=len)


def _last_layers(backbone: Backbone, count: int) -> Iterator[nn.Parameter]:
    stacked = layers(backbone)
    if count > len(stacked):
        raise UserError(f"last_layers is {count}; the language model has {len(stacked)} layers. Lower it.")
    final = [m for name, m in _stack(backbone).named_children() if "Norm" in type(m).__name__ and "embed" not in name]
    for module in (*stacked[-count:], *final):
        yield from module.parameters()


def _stack(backbone: Backbone) -> nn.Module:
    return backbone.decoder if isinstance(backbone, EncoderDecoderBackbone) else backbone.text_tower
