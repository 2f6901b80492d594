"""The policy head on families that differ most from a plain splice: it trains, is kept, and acts as it was."""

import dataclasses

import pytest
import torch
from test_policy_head import ACTION, CHUNK, HISTORY, OBSERVATION, STATISTICS, windows

from robovlms.architectures.model import VLAConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.heads.lstm import LSTMConfig
from robovlms.policies.vla import VLA, VLAManifest

NAMES = (
    *("kosmos", "instructblip", "instructblip-t5", "florence", "flamingo", "flamingo-mpt-1b", "otter", "mllama"),
    *("qwen_vl-1", "qwen_vl-3", "gemma3"),
)


def create(name):
    torch.manual_seed(0)
    architecture = {"history": HISTORY, "chunk": CHUNK, "max_text_tokens": 64}
    model = VLAConfig(
        backbone=BackboneConfig(path=f"tiny:{name}"),
        architecture=PolicyHeadConfig(**architecture),
        head=LSTMConfig(num_slots=2, hidden=32, recurrent=16),
    )
    return VLA.create(VLAManifest(model=model, action_spec=ACTION, observation_spec=OBSERVATION), {"robot": STATISTICS})


def fitted(size):
    batch = windows()
    grown = {
        name: image.repeat_interleave(size // 32, 1).repeat_interleave(size // 32, 2)
        for name, image in batch.images.items()
    }
    return dataclasses.replace(batch, images=grown)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_trains_and_comes_back_from_its_checkpoint(name, tmp_path):
    vla = create(name)
    batch = fitted(vla.network.backbone.image_spec.size)
    vla.network.train()
    vla.loss(batch).total.backward()
    moved = {part: any(p.grad is not None and p.grad.any() for p in module.parameters()) for part, module in parts(vla)}
    assert all(moved.values()), moved
    assert vla.network.slot_vectors.grad.any()
    vla.network.eval()
    vla.save_pretrained(tmp_path)
    again = VLA.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(again.network.features(batch).slots, vla.network.features(batch).slots)


@pytest.mark.parametrize("name", NAMES)
def test_all_frames_of_all_cameras_are_seen_in_one_call_each_once(name, monkeypatch):
    """Six frames of two overlapping windows, two cameras: three distinct frames a camera."""
    vla = create(name)
    backbone, images, calls = vla.network.backbone, [], []
    see = backbone.see
    monkeypatch.setattr(backbone, "see", lambda frames, text=None: (images.append(len(frames)), see(frames, text))[1])
    backbone.vision_tower.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        vla.network.features(fitted(backbone.image_spec.size))
    assert images == [6]
    assert calls == [1]


def parts(vla):
    backbone = vla.network.backbone
    return [(name, getattr(backbone, name)) for name in ("vision_tower", "projector", "text_tower")]
