"""A converted data set is read back: what is said to be lost is, and nothing else."""

import json
import sys

import numpy as np
import pytest
from calvin_files import write_folder

from robovlms.cli import main as cli
from robovlms.core.errors import SpecMismatch, UnknownName, UserError
from robovlms.data.convert import convert
from robovlms.data.detect import source_config
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.sources import CALVINConfig, LeRobotConfig


@pytest.fixture
def recorded(tmp_path, action_spec, observation_spec, make_episode):
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        for seed in range(4):
            writer.add(make_episode(seed, length=4 + seed))
    return LeRobotConfig(path=tmp_path / "set")


@pytest.fixture
def calvin(tmp_path):
    return CALVINConfig(path=write_folder(tmp_path / "recorded" / "training"))


def same(one, other):
    """Every episode of two data sets, whatever their formats."""
    old, new = one.open(), other.open()
    assert new.action_spec == old.action_spec
    assert new.observation_spec == old.observation_spec
    assert new.lengths() == old.lengths()
    for index in range(len(old)):
        here, there = old.read(index), new.read(index)
        for name in ("state", "actions"):
            np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
        for name, frames in here.images.items():
            np.testing.assert_array_equal(frames, there.images[name])
        assert (here.instruction, here.task) == (there.instruction, there.task)
        assert old.source_of(index) == new.source_of(index)


@pytest.mark.parametrize("chain", [["lerobot"], ["rlds"], ["rlds", "lerobot"], ["lerobot", "rlds", "lerobot"]])
def test_between_lerobot_and_rlds_nothing_is_lost(recorded, tmp_path, chain):
    config = recorded
    for step, to in enumerate(chain):
        found = convert(config, tmp_path / f"{step}", to)
        assert (found.episodes, found.frames, found.losses) == (4, 4 + 5 + 6 + 7, ())
        config = source_config(tmp_path / f"{step}", {}, to)
    same(recorded, config)


def test_calvin_keeps_scene_and_source_and_says_so(calvin, tmp_path):
    """Frame numbers are given anew; all else goes through three formats and back."""
    there = convert(calvin, tmp_path / "lerobot", "lerobot")
    assert there.losses == ()
    back = convert(LeRobotConfig(path=tmp_path / "lerobot"), tmp_path / "calvin", "calvin")
    assert {loss.split(":")[0] for loss in back.losses} == {"info 'start'", "info 'stop'"}
    same(calvin, CALVINConfig(path=tmp_path / "calvin"))


def test_absolute_actions_of_calvin_are_compared_with_absolute_ones(calvin, tmp_path):
    found = convert(calvin.model_copy(update={"actions": "actions"}), tmp_path / "calvin", "calvin")
    assert {loss.split(":")[0] for loss in found.losses} == {"info 'start'", "info 'stop'"}


def test_what_jpeg_loses_is_measured(recorded, tmp_path):
    found = convert(recorded, tmp_path / "out", "rlds", "jpeg")
    old, new = recorded.open(), source_config(tmp_path / "out", {}, "rlds").open()
    gaps = [np.abs(old.read(i).images["static"].astype(float) - new.read(i).images["static"]) for i in range(len(old))]
    (said,) = [loss for loss in found.losses if loss.startswith("images of static")]
    mean, most = np.mean([gap.mean() for gap in gaps]), max(gap.max() for gap in gaps)
    assert said == (
        f"images of static: off by {mean:.3g} on average and {most:.3g} at most of 255 levels, "
        "in 4 of 4 episodes looked at"
    )


def test_only_what_is_chosen_is_kept(recorded, tmp_path):
    chosen = recorded.model_copy(update={"cameras": ("wrist",), "state": ("opening",)})
    assert convert(chosen, tmp_path / "out", "rlds").losses == ()
    new = source_config(tmp_path / "out", {}, "rlds").open()
    assert new.observation_spec.camera_names == ("wrist",)
    np.testing.assert_array_equal(new.read(1).state, recorded.open().read(1).state[:, 3:])


def test_what_cannot_be_written_is_refused_and_leaves_nothing(recorded, tmp_path):
    with pytest.raises(SpecMismatch, match="CALVIN"):
        convert(recorded, tmp_path / "training", "calvin")
    with pytest.raises(UnknownName, match=r"format to write 'rdls'\. Did you mean 'rlds'"):
        convert(recorded, tmp_path / "training", "rdls")
    with pytest.raises(UserError, match="got mp4, expected png or jpeg for rlds"):
        convert(recorded, tmp_path / "training", "rlds", "mp4")
    with pytest.raises(UserError, match="already exists"):
        convert(recorded, recorded.path, "rlds")
    assert not (tmp_path / "training").exists()


def test_the_command_line(recorded, tmp_path, monkeypatch, capsys):
    def said(*arguments):
        monkeypatch.setattr(sys, "argv", ["robovlms", "data", "convert", *map(str, arguments)])
        code = cli.run(cli.app)
        return code, capsys.readouterr()

    code, out = said(recorded.path, "--to", "rlds", "--out", tmp_path / "a", "--cameras", "[wrist]", "--json")
    assert (code, json.loads(out.out)) == (0, {"episodes": 4, "frames": 22, "losses": [], "skipped": []})
    code, out = said(recorded.path, "--to", "lerobot", "--out", tmp_path / "b")
    assert code == 0
    assert "nothing was lost" in out.out
    code, out = said(recorded.path, "--to", "lerobot", "--out", tmp_path / "c", "--images", "gif")
    assert code == 2
    assert "Unknown image format 'gif'" in out.err
