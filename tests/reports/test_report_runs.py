import json
import shutil

import pytest

from robovlms.core.errors import CorruptData, UserError
from robovlms.reports.runs import read_run, read_runs


def test_reads_everything(run_dir):
    run = read_run(run_dir)
    assert run.label == "vla"
    assert len(run.outcome.chains) == 30
    assert run.outcome.headline == "average_length"
    assert [clip.chain for clip in run.clips] == ["0000", "0001"]
    assert len(run.training) == 408
    assert run.gaps == ()


def test_labels_grow_until_they_differ(tmp_path, run_dir):
    for parent in ("a", "b"):
        shutil.copytree(run_dir, tmp_path / parent / "vla")
    assert [run.label for run in read_runs([tmp_path / "a" / "vla", tmp_path / "b" / "vla"])] == ["a/vla", "b/vla"]
    shutil.copytree(run_dir, tmp_path / "quick" / "evaluation")
    assert read_run(tmp_path / "quick" / "evaluation").label == "quick"
    with pytest.raises(UserError, match="named twice"):
        read_runs([run_dir, run_dir])


def test_names_what_is_missing_and_its_command(tmp_path, run_dir):
    shutil.copy(run_dir / "results.json", tmp_path)
    gaps = {gap.file: gap.command for gap in read_run(tmp_path).gaps}
    assert set(gaps) == {"training/metrics.jsonl", "experiment.json", "videos/*.mp4"}
    assert gaps["videos/*.mp4"].startswith("robovlms evaluate")
    assert "robovlms evaluate runs/vla/checkpoint " in gaps["videos/*.mp4"]


def test_a_baseline_lacks_no_training(tmp_path, baseline_dir):
    shutil.copy(baseline_dir / "results.json", tmp_path)
    assert [gap.file for gap in read_run(tmp_path).gaps] == ["videos/*.mp4"]


def test_refuses_nothing(tmp_path):
    with pytest.raises(UserError, match="at least one run directory"):
        read_runs([])
    with pytest.raises(UserError, match="does not exist"):
        read_runs([tmp_path / "absent"])
    with pytest.raises(UserError, match=r"holds no results.*results\.json"):
        read_runs([tmp_path])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("results.json", "{", r"results\.json is not valid JSON"),
        ("results.json", "[]", r"results\.json: got list at the top, expected dict"),
        ("results.json", "{}", r"results\.json: got schema_version None"),
        ("experiment.json", "[1]", r"experiment\.json: got list at the top"),
        ("experiment.json", "{'a'", r"experiment\.json is not valid JSON"),
        ("training/metrics.jsonl", '{"step": 1}\n{bad\n{"step": 2}\n', r"metrics\.jsonl, line 2"),
        ("training/metrics.jsonl", "3\n", r"metrics\.jsonl, line 1: got int"),
        ("videos/index.json", '[{"chain": 1}]', r"index\.json: expected a list of objects with 'file'"),
        ("open_loop.json", '{"metrics": [{"name": "model", "value": "low"}]}', r"open_loop\.json: 'metrics'"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(CorruptData, match=message):
        read_run(tmp_path)


def test_half_a_last_line_is_no_damage(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n\n{"step": 2, "lo')
    assert [row["step"] for row in read_run(tmp_path).training] == [1]


def test_index_cannot_reach_outside_its_folder(tmp_path, run_dir):
    shutil.copytree(run_dir / "videos", tmp_path / "videos")
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"secret")
    (tmp_path / "videos" / "index.json").write_text(json.dumps([{"file": "../secret.mp4"}]))
    assert secret not in [clip.path for clip in read_run(tmp_path).clips]
