"""Two machines share an evaluation: shards, and the command that joins them."""

import sys

import pytest

from robovlms.cli import main as cli


@pytest.fixture
def robovlms(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, arguments)])
        code = cli.run(cli.app)
        return code, capsys.readouterr()

    return run


def test_shards_merge_to_what_one_machine_writes(robovlms, tmp_path):
    what = ("evaluate", "baseline:zero", "--tasks", "fixtures_drawer", "--chains", 3, "--workers", 1, "--video", 0)
    for number in (1, 2):
        code, said = robovlms(*what, "--shard", f"{number}/2", "--out", tmp_path / str(number))
        assert code == 0
        assert f"{3 - number} of 3 episodes are played" in said.out
        assert f"robovlms merge {tmp_path / str(number)} ... --out DIR" in said.out
    code, said = robovlms("merge", tmp_path / "1", "--out", tmp_path / "half")
    assert code == 1
    assert "lacks 1 episodes: tabletop-0001." in said.err
    code, said = robovlms("merge", tmp_path / "2", tmp_path / "1", "--out", tmp_path / "both")
    assert code == 0
    assert "average length" in said.out
    assert robovlms(*what, "--out", tmp_path / "whole")[0] == 0
    assert (tmp_path / "both" / "results.json").read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()
    code, said = robovlms(*what, "--out", tmp_path / "half", "--resume")
    assert code == 0
    assert "Speed: " in said.out
    assert (tmp_path / "half" / "results.json").read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()
