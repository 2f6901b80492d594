"""The main job, small: demonstrations, training, chains and a report in one command, and what --resume does."""

import json
import re
import sys
from pathlib import Path

import pytest

from robovlms.cli import main as cli
from robovlms.evaluation import results
from robovlms.policies.vla import VLA

README = Path(__file__).parents[2] / "README.md"


def run(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, arguments)])
    return cli.run(cli.app)


@pytest.mark.render
def test_quickstart_makes_everything_it_names(monkeypatch, capsys, tmp_path):
    out = tmp_path / "quick"
    command = ("quickstart", "--out", out, "--minutes", 0.4, "--chains", 2, "--seed", 1)
    assert run(monkeypatch, *command) == 0
    printed = capsys.readouterr().out.replace("\n", "")
    for name in ("report.html", "results.json", "train", "videos"):
        assert name in printed

    scored = results.load(out / "results.json")
    assert scored.protocol.num_chains == 2
    assert scored.protocol.instruction_split == "validation"
    assert set(scored.metrics) >= {"success_1", "success_5", "average_length"}
    page = (out / "report.html").read_text()
    assert "data:video/mp4" in page
    assert "Average length" in page or "average length" in page
    described = json.loads((out / "evaluation" / "experiment.json").read_text())
    assert described["data"]["sources"][0]["episodes"] >= 18

    vla = VLA.from_pretrained(out / "train")
    assert 1e6 < sum(p.numel() for p in vla.network.backbone.model.parameters()) < 4.1e6

    snippet = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    ran = {}
    exec(snippet.replace("runs/quickstart/train", str(out / "train")), ran)
    assert ran["step"].observation.images["static"].shape == (64, 64, 3)

    assert run(monkeypatch, *command) == 2
    assert "--resume" in capsys.readouterr().err
    before = (out / "results.json").read_bytes()
    assert run(monkeypatch, *command, "--resume") == 0
    assert (out / "results.json").read_bytes() == before


@pytest.mark.slow
@pytest.mark.render
def test_the_same_checkpoint_plays_the_same_episodes_for_any_number_of_workers(monkeypatch, tmp_path):
    assert run(monkeypatch, "quickstart", "--out", tmp_path / "quick", "--minutes", 2, "--chains", 1) == 0
    for workers in (1, 2):
        arguments = ("evaluate", tmp_path / "quick" / "train", "--benchmark", "tabletop", "--chains", 100)
        assert run(monkeypatch, *arguments, "--workers", workers, "--video", 0, "--out", tmp_path / f"w{workers}") == 0
    one, two = ((tmp_path / name / "results.json").read_bytes() for name in ("w1", "w2"))
    assert one == two
