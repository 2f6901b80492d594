"""A policy is trained from the command line on every format, into a checkpoint that knows the data's convention."""

import sys

import pytest
import yaml
from bdrbench_files import write_bdrbench
from calvin_files import write_folder
from hdf5_files import write_act, write_demos
from lerobot_v2 import V2Folder, recording

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.cli import main as cli
from robovlms.policies.vla import VLA

SIZE = (48, 64)
MODEL = {
    "kind": "cnn",
    "architecture": {"kind": "film_cnn", "chunk": 1, "channels": [8, 8, 8], "width": 16, "text_width": 8},
    "head": {"kind": "mlp", "hidden": 16},
}


@pytest.fixture
def libero(tmp_path):
    return {"kind": "hdf5", "path": str(write_demos(tmp_path / "open_it_demo.hdf5", (6, 7, 8), size=SIZE))}


@pytest.fixture
def act(tmp_path):
    for number in range(3):
        write_act(tmp_path / f"act/episode_{number}.hdf5", seed=number, stored="padded", size=SIZE)
    layout = {"kind": "act", "channels": "bgr"}
    settings = {"layout": layout, "convention": "aloha", "instruction": "transfer the cube", "cameras": ["top"]}
    return {"kind": "hdf5", "path": str(tmp_path / "act"), **settings}


@pytest.fixture
def lerobot_v2(tmp_path):
    path = V2Folder(tmp_path / "set", recordings=[recording(seed, 5 + seed, size=SIZE) for seed in range(3)]).write()
    arm = ActionComponent(name="delta", dims=6, kind="delta_position", unit="m", frame="base")
    gripper = ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1)
    spec = ActionSpec(components=(arm, gripper), rate_hz=10)
    return {"kind": "lerobot", "path": str(path), "action_spec": spec.model_dump(mode="json"), "cameras": ["top"]}


@pytest.fixture
def calvin(tmp_path):
    spans = [((start, start + 4), "open_drawer", "pull") for start in (0, 5, 20)]
    folder = write_folder(
        tmp_path / "task_B_D/training", [(0, 9), (20, 24)], spans, {"calvin_scene_B": [0, 24]}, scale=3
    )
    return {"kind": "calvin", "path": str(folder.parent), "scenes": "B", "cameras": ["rgb_static"]}


@pytest.fixture
def bdrbench(tmp_path):
    path = write_bdrbench(tmp_path / "bdr", {"rgb": SIZE, "hand_rgb": SIZE})
    return {"kind": "bdrbench", "path": str(path)}


@pytest.mark.parametrize(
    ("data", "dims", "rate"),
    [("libero", 7, 20), ("act", 14, 50), ("lerobot_v2", 7, 10), ("calvin", 7, 30), ("bdrbench", 7, 10)],
)
def test_training_from_the_command_line(data, dims, rate, request, tmp_path, monkeypatch, capsys):
    experiment = {
        "name": "formats",
        "model": MODEL,
        "data": [request.getfixturevalue(data) | {"holdout": 0.3}],
        "training": {"batch_size": 4, "steps": 3, "validate_every": 2},
    }
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    out = str(tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["robovlms", "train", "--config", str(tmp_path / "experiment.yaml"), "--out", out])
    assert cli.run(cli.app) == 0, capsys.readouterr().err
    vla = VLA.from_pretrained(out)
    spec = vla.manifest.action_spec
    assert (spec.dims, spec.rate_hz) == (dims, rate)
