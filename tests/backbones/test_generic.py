"""A model no file was written for passes or is refused; names that do not exist offer the nearest."""

import pytest
import torch
from transformers import CLIPImageProcessorPil, VipLlavaConfig, VipLlavaForConditionalGeneration

from robovlms.backbones.generic import GenericBackbone
from robovlms.backbones.load import BackboneConfig, family_of, load_backbone
from robovlms.backbones.tiny import tiny_directory, variants, write_tiny
from robovlms.backbones.tiny.parts import LLAMA, VIT, byte_tokenizer, ids_of
from robovlms.core.errors import UnknownName, UserError


@pytest.fixture(scope="module")
def vip_llava(tmp_path_factory):
    """A family that nobody's list holds."""
    directory, tokenizer = tmp_path_factory.mktemp("vip_llava"), byte_tokenizer("<image>")
    config = VipLlavaConfig(
        vision_config={"model_type": "clip_vision_model", "projection_dim": 32, **VIT},
        text_config={"model_type": "llama", **LLAMA, **ids_of(tokenizer)},
        image_token_index=tokenizer.get_vocab()["<image>"],
        vision_feature_layers=[-2, -1],
    )
    torch.manual_seed(0)
    VipLlavaForConditionalGeneration(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    size = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size).save_pretrained(directory)
    return directory


def test_a_model_of_no_family_is_served_when_it_agrees_with_itself(vip_llava):
    backbone = load_backbone(BackboneConfig(path=str(vip_llava)))
    assert isinstance(backbone, GenericBackbone)
    assert backbone.difference() == 0.0
    assert [type(part).__name__ for part in backbone.projector] == ["VipLlavaMultiModalProjector"]


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
