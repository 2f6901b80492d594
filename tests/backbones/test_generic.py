"""A model no file was written for passes or is refused; names that do not exist offer the nearest."""

import pytest
import torch
from strangers import STRANGERS, TOKENIZER

from robovlms.backbones.generic import GenericBackbone
from robovlms.backbones.load import BackboneConfig, family_of, load_backbone
from robovlms.backbones.tiny import enliven, tiny_directory, variants, write_tiny
from robovlms.core.errors import UnknownName, UserError


@pytest.mark.parametrize("make", STRANGERS, ids=lambda make: make.__name__)
@torch.no_grad()
def test_a_model_of_no_family_is_served_when_it_agrees_with_itself(make, tmp_path):
    torch.manual_seed(0)
    model, processor = make()
    enliven(model)
    for part in (model, TOKENIZER, processor):
        part.save_pretrained(tmp_path)
    backbone = load_backbone(BackboneConfig(path=str(tmp_path)))
    assert isinstance(backbone, GenericBackbone)
    hidden, logits = backbone.differences()
    assert hidden == 0.0
    assert logits <= 1e-6
    assert backbone.vision_tower not in backbone.projector.modules()
    assert backbone.text_tower not in backbone.projector.modules()
    assert any(True for _ in backbone.projector.parameters())


@torch.no_grad()
def test_a_model_that_changes_its_logits_cannot_speak():
    backbone = GenericBackbone.from_pretrained(tiny_directory("llava"))
    hidden = torch.zeros(1, backbone.hidden_size)
    backbone.speak(hidden)
    backbone.model.lm_head.register_forward_hook(lambda module, given, logits: logits.tanh())
    difference, backbone.logits_difference = backbone.differences()
    assert difference == 0.0
    with pytest.raises(UserError, match="for token heads: its own logits differ by"):
        backbone.speak(hidden)


@pytest.mark.parametrize(("name", "reason"), [("paligemma", "differ by 0"), ("idefics", "does not fit")])
def test_a_model_with_its_own_attention_is_refused_with_the_difference(name, reason):
    with pytest.raises(UserError, match=reason):
        GenericBackbone.from_pretrained(tiny_directory(name))


def test_unknown_names_offer_the_nearest(tmp_path):
    assert family_of("BLIP-2") is family_of("blip2")
    with pytest.raises(UnknownName, match="Did you mean 'paligemma'"):
        family_of("paligema")
    with pytest.raises(UnknownName, match="Did you mean 'llava'"):
        write_tiny("lava", tmp_path)


def test_every_miniature_is_the_same_each_time(tmp_path):
    for name in variants():
        write_tiny(name, tmp_path)
        again, first = (path / "model.safetensors" for path in (tmp_path, tiny_directory(name)))
        assert again.read_bytes() == first.read_bytes()
