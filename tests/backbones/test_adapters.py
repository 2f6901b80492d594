"""LoRA, resampler, precision, gradient checkpointing and compilation, on every family."""

import dataclasses

import numpy as np
import pytest
import torch
from families import CASES

from robovlms.backbones.adapters import is_adapter
from robovlms.backbones.config import BackboneConfig
from robovlms.backbones.load import load_backbone
from robovlms.backbones.prompt import Image, Slot
from robovlms.core.config import validate
from robovlms.core.errors import UserError

EVERY = pytest.mark.parametrize("name", [case.name for case in CASES])
LORA = {"train": "nothing", "lora": {"rank": 2, "alpha": 4}}
SMALL = {"num_latents": 9, "depth": 1, "num_heads": 2, "head_dim": 8}


def load(name, **settings):
    return load_backbone(validate(BackboneConfig, {"path": f"tiny:{name}", **settings})).eval()


def frames(backbone, count, seed=0):
    size = backbone.image_spec.size
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def slots_of(backbone, slots=None):
    """Hidden states at two slots behind an image and a sentence."""
    text = backbone.tokenize(["open the drawer", "open"])
    media = backbone.see(frames(backbone, 2), text)
    generator = torch.Generator().manual_seed(0)
    vectors = backbone.read(torch.arange(8)[None]).std().detach() * torch.randn(
        2, backbone.hidden_size, generator=generator
    )
    slots = vectors if slots is None else slots
    sequence = backbone.compose([Image(media, torch.ones(2, dtype=torch.bool)), text, Slot(slots)])
    hidden, _ = backbone.think(sequence)
    return backbone.slots(hidden, sequence.layout)


def stir(backbone):
    """Give adapters something to say."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in backbone.named_parameters():
        if is_adapter(name):
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)


@EVERY
def test_adapters_learn_come_off_and_merge(name, tmp_path):
    plain, adapted = load(name), load(name, **LORA)
    assert (slots_of(adapted) - slots_of(plain)).abs().max() <= 1e-5  # they start as nothing
    trainable = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
    assert trainable
    assert all(is_adapter(n) for n in trainable)
    stir(adapted)
    read_out = slots_of(adapted)
    (read_out * torch.randn(read_out.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    silent = [n for n, p in trainable.items() if p.grad is None or not p.grad.any()]
    assert not silent
    with torch.no_grad():
        assert (slots_of(adapted) - slots_of(plain)).abs().max() > 1e-3
        adapted.save(tmp_path / "base")
        again = load_backbone(BackboneConfig(path=str(tmp_path / "base"))).eval()
        assert equal(again, plain)  # the VLM's own weights are as they were
        before = slots_of(adapted)
        adapted.merge_adapters()
        assert not any(is_adapter(n) for n, _ in adapted.named_parameters())
        assert (slots_of(adapted) - before).abs().max() <= 1e-4
        adapted.save(tmp_path / "merged")
        merged = load_backbone(BackboneConfig(path=str(tmp_path / "merged"))).eval()
        assert equal(merged, adapted)


def equal(one, other):
    ours, theirs = dict(one.named_parameters()), dict(other.named_parameters())
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_adapters_go_where_they_are_told():
    lora = {"rank": 2, "parts": ["vision", "text"], "modules": ["q_proj", "v_proj"]}
    backbone = load("llava", train="projector", lora=lora)
    names = [n for n, p in backbone.named_parameters() if p.requires_grad]
    assert {n.split(".lora_")[0].rpartition(".")[2] for n in names if is_adapter(n)} == {"q_proj", "v_proj"}
    assert any("vision_tower" in n for n in names if is_adapter(n))
    assert {n.split(".")[2] for n in names if not is_adapter(n)} == {"multi_modal_projector"}
    with pytest.raises(UserError, match=r"modules are \['query'\].*: .*q_proj"):
        load("llava", train="nothing", lora={"modules": ["query"]})


@EVERY
def test_a_resampler_gives_every_image_its_latents(name):
    torch.manual_seed(0)
    backbone = load(name, train="nothing", resampler=SMALL)
    names = {n for n, p in backbone.named_parameters() if p.requires_grad}
    assert names == {f"resampler.{n}" for n, _ in backbone.resampler.named_parameters()}
    text = backbone.tokenize(["open", "open"])
    media = backbone.see(frames(backbone, 2), text)
    assert media.tokens.shape[:2] == (2, 9)
    assert media.grid == (1, 3, 3)
    plain = load(name).see(frames(backbone, 2), text)
    assert 0.5 < media.tokens.std() / plain.tokens.std() < 2
    other = backbone.see(frames(backbone, 2, seed=5), text)
    assert (media.tokens - other.tokens).abs().max() > 1e-3
    read_out = slots_of(backbone)
    (read_out * torch.randn(read_out.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in backbone.resampler.parameters())


@EVERY
def test_checkpointing_changes_no_gradient_and_computes_layers_again(name):
    passes, gradients = [], []
    for settings in ({}, {"gradient_checkpointing": True}):
        backbone = load(name, **settings)
        still(backbone)
        calls = count_products(backbone)
        read_out = slots_of(backbone)
        forward = len(calls)
        (read_out * torch.randn(read_out.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
        passes.append(len(calls) - forward)
        gradients.append({n: p.grad for n, p in backbone.named_parameters() if p.grad is not None})
    assert passes[0] == 0
    assert passes[1] > 0
    assert gradients[0].keys() == gradients[1].keys()
    for n, plain in gradients[0].items():
        assert (plain - gradients[1][n]).abs().max() <= 1e-5 * max(plain.abs().max(), 1.0)


def still(backbone):
    """Training without its noise."""
    backbone.train()
    for module in backbone.modules():
        for attribute in ("p", "dropout", "attention_dropout", "activation_dropout", "layerdrop", "drop_prob"):
            if isinstance(getattr(module, attribute, None), float):
                setattr(module, attribute, 0.0)
    for module in backbone.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()


def count_products(backbone):
    calls = []
    for module in backbone.text_tower.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


@EVERY
@torch.no_grad()
def test_bfloat16_changes_hidden_states_by_little(name):
    plain, half = load(name), load(name, train="nothing", precision="bfloat16")
    assert any(p.dtype == torch.bfloat16 for p in half.parameters())
    ours, theirs = slots_of(half), slots_of(plain)
    assert ours.dtype == torch.float32
    difference = ((ours - theirs).pow(2).mean() / theirs.pow(2).mean()).sqrt().item()
    assert 0 < difference < 0.05
    assert half.speak(ours[0, 0, 0]).dtype == torch.float32


def test_what_trains_stays_in_full_precision():
    backbone = load("llava", train="text", precision="bfloat16")
    assert all(p.dtype == torch.float32 for p in backbone.parameters() if p.requires_grad)
    assert backbone.model.get_parameter("model.multi_modal_projector.linear_1.weight").dtype == torch.bfloat16
    slots_of(backbone.train()).sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in backbone.text_tower.layers.parameters())


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", ["llava"])
@torch.no_grad()
def test_compiled_towers_say_the_same(name):
    assert (slots_of(load(name, compile=True)) - slots_of(load(name))).abs().max() <= 1e-4


def test_media_of_several_layers_are_resampled_alike():
    backbone = load("llava", train="nothing", resampler=SMALL)
    plain = type(backbone).__mro__[2].see

    def layered(self, images, text=None):
        media = plain(self, images, text)
        return dataclasses.replace(media, layers=(media.tokens * 2,))

    family = type(backbone).__mro__[2]
    try:
        family.see = layered
        media = backbone.see(frames(backbone, 2))
    finally:
        del family.see
    assert media.layers[0].shape == media.tokens.shape
