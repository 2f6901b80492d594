"""``robovlms data cache`` makes what ``robovlms train --cache`` finds."""

import json
import shutil
import sys
from dataclasses import replace

import pytest

from robovlms.backbones.load import BackboneConfig, image_spec_at, load_backbone
from robovlms.backbones.tiny import variants
from robovlms.cli import main as cli
from robovlms.core.errors import UserError
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.lerobot.writer import LeRobotWriter


@pytest.fixture
def experiment(tmp_path, action_spec, observation_spec, make_episode):
    """A file of settings for data of six episodes, one camera."""
    camera = observation_spec.cameras[0].model_copy(update={"height": 64, "width": 96})
    spec = observation_spec.model_copy(update={"cameras": (camera,)})
    with LeRobotWriter(tmp_path / "set", action_spec, spec, 10) as writer:
        for seed in range(6):
            episode = make_episode(seed, length=12)
            frames = episode.images["static"].repeat(4, axis=1).repeat(4, axis=2)
            writer.add(replace(episode, images={"static": frames}))
    settings = {
        "name": "small",
        "model": {
            "kind": "cnn",
            "architecture": {"channels": [4, 4, 4], "width": 16, "chunk": 4},
            "head": {"hidden": 16},
        },
        "data": [{"kind": "lerobot", "path": str(tmp_path / "set"), "cameras": ["static"]}],
        "training": {"steps": 2, "batch_size": 4},
    }
    (tmp_path / "small.json").write_text(json.dumps(settings))
    return tmp_path / "small.json"


@pytest.fixture
def say(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, arguments)])
        return cli.run(cli.app), capsys.readouterr()

    return run


def test_training_finds_the_frames(experiment, say, tmp_path, monkeypatch):
    where = ["--config", experiment, "--cache", tmp_path / "cache"]
    code, out = say("data", "cache", *where, "--estimate")
    assert code == 0
    assert "72 frames at 64 px: 0.00 GB" in out.out
    assert not (tmp_path / "cache").exists()
    assert say("data", "cache", *where)[0] == 0
    monkeypatch.setattr(LeRobotDataset, "read", lambda *_: pytest.fail("decoded again"))
    code, out = say("data", "cache", *where, "--verify")
    assert "sound" in out.out
    code, out = say("train", *where, "--out", tmp_path / "run")
    assert code == 0, out.err
    assert (tmp_path / "run" / "finished").is_file()
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert not (tmp_path / "run" / "cache").exists()


def test_training_finds_image_files(experiment, say, tmp_path, monkeypatch):
    where = ["--config", experiment, "--cache", tmp_path / "cache"]
    code, out = say("data", "cache", *where, "--encoded", "--estimate")
    assert code == 0
    assert "72 frames as image files (else JPEG of quality 95): about 0.00 GB" in out.out
    assert not (tmp_path / "cache").exists()
    assert say("data", "cache", *where, "--encoded", "--verify")[0] == 0
    monkeypatch.setattr(LeRobotDataset, "read", lambda *_: pytest.fail("decoded again"))
    code, out = say("train", *where, "--out", tmp_path / "run")
    assert code == 0, out.err
    assert json.loads((tmp_path / "run" / "experiment.json").read_text())["data"]["encoded"]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_damaged_store_is_noticed(experiment, say, tmp_path):
    where = ["--config", experiment, "--cache", tmp_path / "cache"]
    say("data", "cache", *where)
    (file,) = (tmp_path / "cache").glob("*/actions.npy")
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    code, out = say("data", "cache", *where, "--verify")
    assert code == 2
    assert "actions.npy is missing or damaged. Delete" in out.err


def test_a_disk_without_room_is_said_before_anything_is_decoded(experiment, say, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1))
    code, out = say("data", "cache", "--config", experiment, "--cache", tmp_path / "cache")
    assert code == 2
    assert "the frames need 0.0 GB, 0.0 GB are free" in out.err
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", sorted(variants()))
def test_the_size_of_images_is_known_without_weights(name):
    assert image_spec_at(f"tiny:{name}") == load_backbone(BackboneConfig(path=f"tiny:{name}")).image_spec


def test_a_directory_without_processors_is_refused(tmp_path):
    with pytest.raises(UserError, match="no Hugging Face model there"):
        image_spec_at(str(tmp_path))
