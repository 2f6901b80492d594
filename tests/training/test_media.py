"""Frames encoded before training give the same loss as frames encoded at every step."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.architectures.model import VLAConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.core.types import Episode
from robovlms.data.augment import AugmentConfig
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.sources import LeRobotConfig
from robovlms.data.store.build import open_sources
from robovlms.heads.lstm import LSTMConfig
from robovlms.training import media
from robovlms.training.experiment import Experiment, TrainingConfig
from robovlms.training.run import CACHE, make_task, prepare, run

ACTION = ActionSpec(
    components=(
        ActionComponent(name="delta", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "noise"
    cameras = tuple(Camera(name=name, height=32, width=32) for name in ("static", "wrist"))
    spec = ObservationSpec(cameras=cameras, state=(StateComponent(name="tcp", dims=2),), rate_hz=10)
    rng = np.random.default_rng(0)
    with LeRobotWriter(path, ACTION, spec) as writer:
        for _ in range(6):
            images = {camera.name: rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8) for camera in cameras}
            actions = rng.choice([-1.0, 1.0], (5, 3)).astype(np.float32)
            state = rng.normal(size=(5, 2)).astype(np.float32)
            writer.add(Episode(images, state, actions, "open the drawer", "open"))
    return path


def experiment(data: Path, vlm: Path, **backbone) -> Experiment:
    settings = {"path": str(vlm), "train": "text", "encode_first": True} | backbone
    return Experiment(
        name="noise",
        model=VLAConfig(
            backbone=BackboneConfig(**settings),
            architecture=PolicyHeadConfig(history=2, chunk=2, state_noise=0.0),
            head=LSTMConfig(hidden=16, recurrent=8),
        ),
        data=(LeRobotConfig(path=data, holdout=0.2),),
        training=TrainingConfig(batch_size=4, steps=2, augment=AugmentConfig()),
    )


def test_encoded_frames_give_the_same_loss(data, tiny_paligemma, tmp_path):
    config = experiment(data, tiny_paligemma)
    vla, store = prepare(config, open_sources(config.data), tmp_path / "cache")
    slow = make_task(config, tmp_path, False, vla, store)
    media.encode_frames(vla.network, store, tmp_path / CACHE)
    fast = make_task(config, tmp_path, False, vla, store)
    before, after = next(slow.train(0, 0, 1)), next(fast.train(0, 0, 1))
    assert after.images == {}
    assert after.media.shape[1] == 2
    vla.network.eval()
    with torch.no_grad():
        assert vla.loss(after).total.item() == pytest.approx(vla.loss(before).total.item(), abs=1e-6)


def test_a_run_shows_the_frames_it_encodes_once(data, tiny_paligemma, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(media, "BATCH", 12)
    seen = []
    encode = media.encode_frames

    def told(network, store, folder, on_frames):
        encode(network, store, folder, lambda done, total: (seen.append((done, total)), on_frames(done, total)))

    monkeypatch.setattr("robovlms.training.run.encode_frames", told)
    run(experiment(data, tiny_paligemma), tmp_path / "run")
    assert seen == [(12, 30), (24, 30), (30, 30)]
    shown = capsys.readouterr().out
    assert shown.count("encoding") == 1
    assert re.search(r"100%\s+30 of 30 frames\s+\d+\s+frames/s\s+0 min 00 s left", shown)


def test_a_run_leaves_the_frozen_tower_alone(data, tiny_paligemma, tmp_path):
    from robovlms.backbones.load import load_backbone
    from robovlms.policies.vla import VLA

    before = load_backbone(BackboneConfig(path=str(tiny_paligemma)))
    run(experiment(data, tiny_paligemma), tmp_path / "run")
    after = VLA.from_pretrained(tmp_path / "run").network.backbone
    for name, one, other in (
        ("vision", before.vision_tower, after.vision_tower),
        ("projector", before.projector, after.projector),
    ):
        assert all(
            torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        ), name
    text = zip(before.text_tower.parameters(), after.text_tower.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in text)


def test_settings_that_contradict_are_refused(data, tiny_paligemma):
    with pytest.raises(ValueError, match="frozen vision tower"):
        experiment(data, tiny_paligemma, train="all")
    wrong = experiment(data, tiny_paligemma).model_dump(mode="json")
    wrong["training"]["augment"]["shift_px"] = 3
    with pytest.raises(UserError, match="encode_first sees each frame once"):
        validate(Experiment, wrong)


def test_a_tower_that_trains_cannot_be_encoded_first(data, tiny_paligemma, tmp_path):
    config = experiment(data, tiny_paligemma, train="all", encode_first=False)
    vla, store = prepare(config, open_sources(config.data), tmp_path / "cache")
    with pytest.raises(UserError, match="frozen vision tower"):
        media.encode_frames(vla.network, store, tmp_path / CACHE)


def test_tokens_that_depend_on_the_instruction_cannot_be_encoded_first(data, tiny_paligemma, tmp_path, monkeypatch):
    config = experiment(data, tiny_paligemma)
    vla, store = prepare(config, open_sources(config.data), tmp_path / "cache")
    monkeypatch.setattr(type(vla.network.backbone), "sees_by_text", True)
    with pytest.raises(UserError, match=r"set model\.backbone\.encode_first to false"):
        media.encode_frames(vla.network, store, tmp_path / CACHE)
