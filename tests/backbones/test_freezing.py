"""What of a VLM trains: counted per family, and only that moves in a step."""

import pytest
import torch
from families import CASES

from robovlms.backbones.config import PARTS, BackboneConfig
from robovlms.backbones.freezing import layers, part_of_each
from robovlms.backbones.load import load_backbone
from robovlms.core.config import merge, validate
from robovlms.core.errors import UserError

EVERY = pytest.mark.parametrize("name", [case.name for case in CASES])


def load(name, **settings):
    return load_backbone(validate(BackboneConfig, {"path": f"tiny:{name}", **settings}))


def trainable(backbone):
    return {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}


def counted(backbone):
    return sum(parameter.numel() for parameter in backbone.parameters() if parameter.requires_grad)


@EVERY
def test_what_trains_is_what_was_asked_for(name):
    whole = load(name)
    total = sum(parameter.numel() for parameter in whole.parameters())
    assert counted(whole) == total
    assert counted(load(name, train="nothing")) == 0
    each = {part: counted(load(name, train=part)) for part in PARTS}
    assert sum(each.values()) == total
    assert min(each.values()) > 0
    assert counted(load(name, train=["text", "projector"])) == total - each["vision"]
    towers = {"vision": whole.vision_tower, "projector": whole.projector, "text": whole.text_tower}
    for part, tower in towers.items():
        asked = {id(p) for n, p in whole.model.named_parameters() if part_of_each(whole)[n] == part}
        others = {id(p) for other in PARTS if other != part for p in towers[other].parameters()}
        assert {id(p) for p in tower.parameters()} - others <= asked


@EVERY
def test_the_last_layers_are_the_last_of_the_language_model(name):
    backbone = load(name, train="text", last_layers=1)
    stacked = layers(backbone)
    assert all(parameter.requires_grad for parameter in stacked[-1].parameters())
    assert not any(parameter.requires_grad for layer in stacked[:-1] for parameter in layer.parameters())
    last = sum(parameter.numel() for parameter in stacked[-1].parameters())
    norm = counted(backbone) - last  # a final norm, where the family has one
    assert norm in (0, backbone.hidden_size, 2 * backbone.hidden_size)
    with pytest.raises(UserError, match=f"last_layers is 9; the language model has {len(stacked)} layers"):
        load(name, train="text", last_layers=9)


def test_frozen_parts_stay_in_evaluation():
    backbone = load("instructblip", train="text").train()
    assert backbone.text_tower.training
    assert not backbone.vision_tower.training
    assert not backbone.model.qformer.training


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": "texts"}, "expected all, nothing, or some of vision, projector, text"),
        ({"train": ["text", "head"]}, "expected all, nothing, or some of"),
        ({"train": 3}, "expected all, nothing, or some of"),
        ({"train": "vision", "last_layers": 1}, "set train to text"),
        ({"last_layers": 0}, "last_layers"),
        ({"lora": {}}, "train holds text: set it to nothing"),
        ({"train": "nothing", "lora": {"rank": 0}}, "lora.rank"),
        ({"train": "nothing", "lora": {"rnak": 4}}, "Did you mean 'lora.rank'"),
        ({"precision": "float16"}, "precision"),
        ({"encode_first": True}, "frozen vision tower and projector"),
        ({"encode_first": True, "train": "projector"}, "backbone.train to text"),
        ({"encode_first": True, "train": "text", "resampler": {}}, "no resampler"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        load("llava", **settings)


def test_a_group_that_is_off_is_turned_on_by_setting_one_of_its_fields():
    base = BackboneConfig(train="nothing").model_dump(mode="json")
    assert validate(BackboneConfig, merge(base, {"lora.rank": 4})).lora.rank == 4


def test_names_and_lists_say_the_same():
    assert BackboneConfig(train="all") == BackboneConfig(train=["text", "vision", "projector"]) == BackboneConfig()
    assert BackboneConfig(train="nothing").train == ()
    assert validate(BackboneConfig, BackboneConfig(train="text").model_dump()) == BackboneConfig(train="text")


def test_vl_pretrained_false_starts_anew():
    torch.manual_seed(1)
    new, known = load("llava", vl_pretrained=False), load("llava")
    assert {name: p.shape for name, p in new.named_parameters()} == {n: p.shape for n, p in known.named_parameters()}
    same = [n for n, p in new.named_parameters() if p.ndim > 1 and torch.equal(p, known.get_parameter(n))]
    assert not same
