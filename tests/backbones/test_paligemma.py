"""The splice backbone against Hugging Face's own forward, and what padding must not change."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image as PILImage

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.prompt import Image, Slot, State, Text
from robovlms.core.errors import UnknownName, UserError


@pytest.fixture(scope="module")
def backbone(tiny_paligemma):
    return load_backbone(BackboneConfig(path=str(tiny_paligemma))).eval()


@pytest.fixture
def frames():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8))


@torch.no_grad()
def test_hidden_states_equal_hugging_faces_own_forward(backbone, frames):
    text = backbone.tokenize(["open the drawer", "open the drawer"])
    ids = torch.cat([torch.full((2, 8), 3), text.ids], dim=1)
    pixels = backbone.image_processor(images=[f.numpy() for f in frames], return_tensors="pt")["pixel_values"]
    theirs = backbone.model.model(
        input_ids=ids, pixel_values=pixels, token_type_ids=torch.zeros_like(ids), attention_mask=torch.ones_like(ids)
    ).last_hidden_state

    media = backbone.see(frames)
    present = torch.ones(2, dtype=torch.bool)
    first, second = media.at(torch.tensor([0, 2])), media.at(torch.tensor([1, 3]))
    sequence = backbone.compose([Image(first, present), Image(second, present), text])
    ours, _ = backbone.think(sequence)
    assert (ours - theirs).abs().max().item() <= 1e-5


def test_pixels_equal_the_image_processor(backbone, frames):
    theirs = backbone.image_processor(images=[f.numpy() for f in frames], return_tensors="pt")["pixel_values"]
    assert (backbone.pixels(frames) - theirs).abs().max().item() <= 1e-6


def test_image_spec_resize_equals_the_image_processor(backbone):
    from robovlms.data.images import fit_image

    large = np.random.default_rng(1).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    theirs = backbone.image_processor(images=[PILImage.fromarray(large)], return_tensors="pt")["pixel_values"]
    ours = backbone.pixels(torch.from_numpy(fit_image(large, backbone.image_spec).copy())[None])
    assert (ours - theirs).abs().max().item() <= 1e-6


def prompt(backbone, frames, text, slots, state):
    present = torch.ones(len(text.ids), dtype=torch.bool)
    media = backbone.see(frames[: len(text.ids)])
    return [Image(media, present), text, State(state), Slot(slots)]


@torch.no_grad()
def slots_of(backbone, segments):
    sequence = backbone.compose(segments)
    hidden, _ = backbone.think(sequence)
    return backbone.slots(hidden, sequence.layout)


def test_padding_side_and_amount_never_change_a_slot(backbone, frames):
    torch.manual_seed(0)
    slots, state = torch.randn(3, 24), torch.randn(2, 1, 24)
    text = backbone.tokenize(["open the drawer", "open"])
    plain = slots_of(backbone, prompt(backbone, frames, text, slots, state))
    longer = backbone.tokenize(["open the drawer", "open"], length=text.ids.shape[1] + 7)
    left = Text(longer.ids.roll(7, 1), longer.valid.roll(7, 1))
    for padded in (longer, left):
        assert (slots_of(backbone, prompt(backbone, frames, padded, slots, state)) - plain).abs().max() <= 1e-5


def test_batch_composition_never_changes_a_slot(backbone, frames):
    torch.manual_seed(0)
    slots, state = torch.randn(3, 24), torch.randn(2, 1, 24)
    both = slots_of(backbone, prompt(backbone, frames, backbone.tokenize(["open the drawer", "open"]), slots, state))
    alone = slots_of(backbone, prompt(backbone, frames, backbone.tokenize(["open the drawer"]), slots, state[:1]))
    assert (both[0] - alone[0]).abs().max() <= 1e-5


def test_an_unused_camera_never_changes_a_slot(backbone, frames):
    torch.manual_seed(0)
    slots, text = torch.randn(1, 24), backbone.tokenize(["open"])
    media = backbone.see(frames[:2])
    absent = Image(media.at(torch.tensor([1])), torch.zeros(1, dtype=torch.bool))
    used = Image(media.at(torch.tensor([0])), torch.ones(1, dtype=torch.bool))
    without = slots_of(backbone, [used, text, Slot(slots)])
    assert (slots_of(backbone, [used, absent, text, Slot(slots)]) - without).abs().max() <= 1e-5


def test_slots_are_causal_and_the_prefix_does_not_see_them(backbone, frames):
    torch.manual_seed(0)
    state, text = torch.randn(2, 1, 24), backbone.tokenize(["open", "open"])
    one, two = torch.randn(1, 24), torch.randn(1, 24)
    alone = slots_of(backbone, prompt(backbone, frames, text, one, state))
    both = slots_of(backbone, prompt(backbone, frames, text, torch.cat([one, two]), state))
    assert (both[:, :, :1] - alone).abs().max() <= 1e-5


def test_slots_and_images_receive_gradients(backbone, frames):
    slots = torch.randn(2, 24, requires_grad=True)
    sequence = backbone.compose(prompt(backbone, frames, backbone.tokenize(["open"]), slots, torch.randn(1, 1, 24)))
    hidden, _ = backbone.think(sequence)
    backbone.slots(hidden, sequence.layout).sum().backward()
    assert slots.grad is not None
    assert slots.grad.abs().min(dim=1).values.max() > 0
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in backbone.vision_tower.parameters())
    backbone.zero_grad()


def test_speak_equals_the_language_model_head(backbone):
    hidden = torch.randn(2, 24)
    theirs = backbone.model.lm_head(hidden)
    assert torch.equal(backbone.speak(hidden), theirs)
    assert torch.allclose(backbone.speak(hidden, torch.tensor([5, 7])), theirs[:, [5, 7]])


def test_without_pretraining_the_architecture_stays_and_the_weights_do_not(tiny_paligemma, backbone):
    torch.manual_seed(5)
    fresh = load_backbone(BackboneConfig(path=str(tiny_paligemma), vl_pretrained=False))
    ours, theirs = fresh.state_dict(), backbone.state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    key = "model.model.language_model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(ours[key], theirs[key])


def test_frozen_parts_do_not_train(tiny_paligemma):
    text_only = load_backbone(BackboneConfig(path=str(tiny_paligemma), train="text"))
    assert not any(p.requires_grad for p in text_only.vision_tower.parameters())
    assert all(p.requires_grad for p in text_only.text_tower.parameters())
    text_only.train()
    assert not text_only.vision_tower.training
    assert text_only.text_tower.training
    nothing = load_backbone(BackboneConfig(path=str(tiny_paligemma), train="nothing"))
    assert not any(p.requires_grad for p in nothing.parameters())


def test_missing_and_unexpected_weights_are_refused(tiny_paligemma, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_paligemma, damaged)
    weights = load_file(str(damaged / "model.safetensors"))
    removed = next(k for k in weights if "layers.0.mlp.up_proj" in k)
    weights["surplus"] = weights.pop(removed)
    save_file(weights, str(damaged / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"missing_keys.*up_proj.*unexpected_keys.*surplus"):
        load_backbone(BackboneConfig(path=str(damaged)))


def test_unknown_places_and_families_are_named(tmp_path):
    with pytest.raises(UserError, match="no Hugging Face model there"):
        load_backbone(BackboneConfig(path=str(tmp_path)))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UnknownName, match="Unknown model type 'bert'"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_images_of_another_size_are_refused(backbone):
    with pytest.raises(UserError, match="32 x 32"):
        backbone.see(torch.zeros(1, 48, 48, 3, dtype=torch.uint8))


def test_a_layout_can_be_rebuilt(backbone, frames):
    sequence = backbone.compose(
        prompt(backbone, frames, backbone.tokenize(["open"]), torch.zeros(2, 24), torch.zeros(1, 1, 24))
    )
    layout = dataclasses.asdict(sequence.layout)
    assert layout["image"][:4].tolist() == [0, 0, 0, 0]
    assert layout["cell"][:4].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]]
    assert layout["kind"].tolist()[-3:] == [2, 4, 4]
