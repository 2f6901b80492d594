"""Demonstrations in Meta-World: kept where they succeed, balanced, the same for any number of processes."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robovlms.cli.main import app
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.demos.check_replay import check
from robovlms.demos.collect import collect
from robovlms.demos.metaworld import MetaWorldPlan
from robovlms.worlds.metaworld.conventions import ACTION_SPEC, observation_spec
from robovlms.worlds.metaworld.language import instructions
from robovlms.worlds.metaworld.tasks import MAX_STEPS

ELSEWHERE = os.environ.get("ROBOVLMS_METAWORLD_PYTHON")
needs_metaworld = pytest.mark.skipif(not find_spec("metaworld"), reason="pip install 'robovlms[metaworld]'")
TASKS = ("handle-press-v3", "reach-v3")


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_metaworld
@pytest.mark.render
def test_the_same_seed_gives_the_same_bytes_and_every_demonstration_is_whole(tmp_path):
    plan = MetaWorldPlan(TASKS, num_episodes=4, seed=3, image_size=16)
    for processes in (1, 2):
        collect(plan, tmp_path / str(processes), processes)
    assert files(tmp_path / "1") == files(tmp_path / "2")
    data = LeRobotDataset(tmp_path / "1")
    assert data.action_spec == ACTION_SPEC
    assert data.observation_spec == observation_spec(16)
    assert data.provenance["world"] == "metaworld"
    assert sorted(episode.task for episode in data) == sorted(2 * TASKS)
    for episode in data:
        assert 0 < len(episode) <= MAX_STEPS
        assert episode.instruction in instructions(episode.task, "train")
        assert abs(episode.actions).max() <= 1


def test_the_rarest_task_is_attempted_first(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "robovlms.demos.metaworld.demonstration", lambda task, seed, image_size: asked.append((task, seed))
    )
    plan = MetaWorldPlan(("a", "b", "c"))
    failed = [plan.attempt({"a": 5, "b": 1, "c": 2}, index)[1] for index in range(3)]
    assert [task for task, _ in asked] == ["b", "c", "a"]
    assert failed == [["b"], ["c"], ["a"]]
    assert len({seed for _, seed in asked}) == 3


@needs_metaworld
@pytest.mark.render
def test_a_world_in_another_interpreter_gives_the_same_bytes(tmp_path):
    """By default in another process of this interpreter; ROBOVLMS_METAWORLD_PYTHON names one that has metaworld."""
    plans = {
        python: MetaWorldPlan(TASKS, 4, 3, 16, world_python=python) for python in (None, ELSEWHERE or sys.executable)
    }
    for python, plan in plans.items():
        collect(plan, tmp_path / str(python is None))
    here, there = files(tmp_path / "True"), files(tmp_path / "False")
    assert here == there
    assert any(path.suffix == ".parquet" for path in there)


@pytest.mark.skipif(not ELSEWHERE, reason="ROBOVLMS_METAWORLD_PYTHON names no interpreter that has metaworld")
@pytest.mark.render
def test_metaworld_need_not_be_installed_here(tmp_path):
    arguments = ["--out", str(tmp_path / "demos"), "--tasks", "reach-v3", "--episodes", "1", "--image-size", "16"]
    result = CliRunner().invoke(app, ["demos", "metaworld", *arguments, "--world-python", ELSEWHERE])
    assert result.exit_code == 0, result.exception
    data = LeRobotDataset(tmp_path / "demos")
    assert [episode.task for episode in data] == ["reach-v3"]
    assert data.provenance["mujoco"] == "3.3.0"
    assert check(data, world_python=ELSEWHERE) == ([], 1)


@needs_metaworld
def test_unknown_tasks_are_refused_at_the_command_line(tmp_path):
    result = CliRunner().invoke(app, ["demos", "metaworld", "--out", str(tmp_path / "x"), "--tasks", "reach"])
    assert "Did you mean 'reach-v3'?" in str(result.exception)
    assert not (tmp_path / "x").exists()
