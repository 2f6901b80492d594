"""Policies without a VLM by name: in a recipe's place with ``train --model``, or trained on the spot."""

import json
import os
import sys
from importlib.util import find_spec

import pytest

from robovlms.cli import baselines
from robovlms.cli import main as cli
from robovlms.evaluation import results
from robovlms.policies.vla import VLA
from robovlms.recipes import RECIPES
from robovlms.recipes.baselines import BASELINES, without_vlm

ELSEWHERE = os.environ.get("ROBOVLMS_METAWORLD_PYTHON")


def run(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, arguments)])
    return cli.run(cli.app)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("recipe", ["tabletop_quick", "metaworld_mt10"])
def test_it_takes_the_place_of_the_vla_and_keeps_what_is_compared(monkeypatch, capsys, recipe, name):
    assert run(monkeypatch, "train", recipe, "--data", "a", "--dry-run") == 0
    vla = json.loads(capsys.readouterr().out.rsplit("digest", 1)[0])
    assert run(monkeypatch, "train", recipe, "--data", "a", "--dry-run", "--model", name) == 0
    other = json.loads(capsys.readouterr().out.rsplit("digest", 1)[0])
    assert (vla["model"]["kind"], other["model"]["kind"]) == ("vla", name)
    for kept in ("data", "executor", "normalization"):
        assert other[kept] == vla[kept]
    for kept in ("minutes", "batch_size", "seed"):
        assert other["training"][kept] == vla["training"][kept]
    assert other["model"]["architecture"]["chunk"] == vla["model"]["architecture"]["chunk"]
    assert other["training"]["optimizer"]["learning_rate"] < vla["training"]["optimizer"]["learning_rate"]


def test_a_window_looks_when_plans_are_made():
    architecture = without_vlm(RECIPES["metaworld_mt10"]([]), "cnn_gru").model.architecture
    assert (architecture.history, architecture.stride) == (4, 12)


def test_settings_come_after_it_and_files_may_have_it(monkeypatch, capsys, tmp_path):
    (tmp_path / "file.yaml").write_text(
        "name: mine\ndata: [{kind: lerobot, path: a}]\ntraining: {steps: 5}\nexecutor: first\n"
    )
    settings = ("--model", "cnn", "--model.architecture.width", 32, "--dry-run")
    assert run(monkeypatch, "train", "--config", tmp_path / "file.yaml", *settings) == 0
    found = json.loads(capsys.readouterr().out.rsplit("digest", 1)[0])["model"]
    assert (found["kind"], found["architecture"]["width"]) == ("cnn", 32)


@pytest.mark.skipif(not (find_spec("metaworld") or ELSEWHERE), reason="pip install 'robovlms[metaworld]'")
@pytest.mark.render
def test_it_is_trained_and_scored_on_metaworld_in_one_command(monkeypatch, tmp_path):
    monkeypatch.setattr(baselines, "DEMOS_A_TASK", 2)
    short = RECIPES["metaworld_mt10"]

    def recipe(data):
        experiment = short(data)
        training = experiment.training.model_copy(update={"steps": 3, "minutes": None, "processes": 1})
        return experiment.model_copy(update={"training": training})

    monkeypatch.setattr(baselines, "metaworld_mt10", recipe)
    out = tmp_path / "scored"
    command = ["evaluate", "baseline:cnn", "--benchmark", "metaworld", "--tasks", "reach-v3,drawer-close-v3"]
    command += ["--episodes", 2, "--video", 0, "--out", out]
    command += ["--world-python", ELSEWHERE] if ELSEWHERE else []
    assert run(monkeypatch, *command) == 0
    scored = results.load(out / "results.json")
    assert scored.protocol.tasks == ("drawer-close-v3", "reach-v3")
    assert [episode.status for episode in scored.episodes] == ["ok", "ok"]
    vla = VLA.from_pretrained(tmp_path / "scored-policy" / "train")
    assert vla.provenance["model"]["kind"] == "cnn"
    assert vla.provenance["data"]["sources"][0]["episodes"] == 4

    demos = (tmp_path / "scored-policy" / "demos" / "meta" / "info.json").stat().st_mtime_ns
    assert run(monkeypatch, *command, "--resume") == 0
    assert (tmp_path / "scored-policy" / "demos" / "meta" / "info.json").stat().st_mtime_ns == demos
