import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import write_clip

from robovlms.core.errors import UserError
from robovlms.evaluation import results
from robovlms.reports.clips import embed_clips
from robovlms.reports.confidence import calibrations
from robovlms.reports.curves import panels
from robovlms.reports.html import write_report
from robovlms.reports.runs import Run, read_run, read_runs
from robovlms.reports.summary import facts, percent, protocol_differences
from robovlms.reports.tasks import chain_grid, task_rows

HOSTILE = "</li><script>window.hacked = 1</script>{{ 7 * 7 }}\"'&"


@pytest.fixture(scope="module")
def page(run_dir, tmp_path_factory) -> str:
    return write_report([run_dir], tmp_path_factory.mktemp("page") / "report.html").read_text()


def test_shows_the_numbers_of_the_results_file(page, run_dir):
    metrics = results.load(run_dir).metrics
    length = metrics["average_length"]
    assert f"<strong>{length.value:.2f}</strong>" in page
    assert f"{length.ci95[0]:.2f} to {length.ci95[1]:.2f}" in page
    for number in range(1, 6):
        assert percent(metrics[f"success_{number}"].value) in page


def test_says_what_was_trained_on_what(page):
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page[: page.index('id="success"')]))
    assert facts["Backbone"] == "tiny"
    assert facts["Parameters"] == "2.84M, 1.12M trained"
    assert facts["Demonstrations"] == "1,057 (21,034 frames)"
    assert facts["Training time"] == "5 min 00 s"
    assert "optimizer / learning rate" in page


def test_is_offline_and_repeatable(page, run_dir, tmp_path):
    assert write_report([run_dir], tmp_path).read_text() == page
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page)
    assert "default-src 'none'" in page
    assert page.count("data:video/mp4;base64,") == 2


def test_tasks_count_attempts_that_were_made(run_dir):
    rows = task_rows([read_run(run_dir)])
    episodes = json.loads((run_dir / "results.json").read_text())["episodes"]
    for row in rows:
        tries = [task for episode in episodes for task in episode["tasks"] if task["task"] == row.task]
        (score,) = row.scores
        assert (score.attempts, score.successes) == (len(tries), sum(task["success"] for task in tries))
        assert score.median_steps == np.median([task["steps"] for task in tries if task["success"]])


def test_wilson_interval_of_a_task_has_the_textbook_value(run_dir):
    for row in task_rows([read_run(run_dir)]):
        (score,) = row.scores
        p, n, z = score.successes / score.attempts, score.attempts, 1.959964
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        assert score.estimate.high - score.estimate.low == pytest.approx(2 * half, abs=1e-6)


def test_grid_has_a_cell_for_every_place_of_every_chain(run_dir):
    grid = chain_grid(read_run(run_dir))
    assert len(grid.rows) == sum(grid.counts) == 30
    for row in grid.rows:
        states = [cell.state for cell in row.cells]
        assert len(states) == 5
        assert states == ["solved"] * row.solved + (["failed"] + ["open"] * (4 - row.solved) if row.solved < 5 else [])


def test_confidence_is_held_against_success(page, run_dir, tmp_path):
    data = json.loads((run_dir / "results.json").read_text())
    attempts = [task for episode in data["episodes"] for task in episode["tasks"]]
    (found,) = calibrations([read_run(run_dir)])
    assert found.calibration.n == len(attempts)
    assert f"<b>{found.calibration.error:.3f}</b>" in page
    assert page.count("attempts succeeded, 95 % interval") == len(found.calibration.bins)
    for task in attempts:
        task["confidence"] = None
    (tmp_path / "results.json").write_text(json.dumps(data))
    assert calibrations([read_run(tmp_path)]) == []
    assert 'id="confidence"' not in write_report([tmp_path], tmp_path).read_text()


def test_infrastructure_errors_are_shown_and_not_counted(run_dir, tmp_path):
    data = json.loads((run_dir / "results.json").read_text())
    data["episodes"][3] |= {"status": "infrastructure_error", "error": "the renderer died"}
    (tmp_path / "results.json").write_text(json.dumps(data))
    assert len(chain_grid(read_run(tmp_path)).rows) == 29
    assert "not counted anywhere: 0003 (the renderer died)" in write_report([tmp_path], tmp_path).read_text()


def test_text_from_files_is_escaped(run_dir, tmp_path):
    shutil.copytree(run_dir, tmp_path / "run")
    data = json.loads((run_dir / "results.json").read_text())
    data["checkpoint"] = data["benchmark"] = HOSTILE
    data["protocol"]["tasks"] = [HOSTILE]
    data["episodes"][0]["tasks"][0] |= {"instruction": HOSTILE, "task": HOSTILE, "failure": HOSTILE}
    (tmp_path / "run" / "results.json").write_text(json.dumps(data))
    (tmp_path / "run" / "experiment.json").write_text(json.dumps({HOSTILE: HOSTILE, "model": {"kind": HOSTILE}}))
    index = [{"file": "chain_0000.mp4", "chain": HOSTILE, "instructions": [HOSTILE], "solved": 0}]
    (tmp_path / "run" / "videos" / "index.json").write_text(json.dumps(index))
    page = write_report([tmp_path / "run"], tmp_path).read_text()
    assert "<script>window.hacked" not in page
    assert "{{ 7 * 7 }}" in page
    assert page.count("<script") == 1


def test_several_runs_stand_side_by_side(run_dir, baseline_dir, tmp_path):
    page = write_report([run_dir, baseline_dir], tmp_path / "deep" / "compare.html").read_text()
    assert "vla against baseline-cnn on tabletop, scene D" in page
    assert page.count('class="big"') == 2
    assert "robovlms compare" in page
    assert "Not a like-for-like comparison" not in page


def test_different_protocols_are_called_out(run_dir, baseline_dir, tmp_path):
    shutil.copytree(baseline_dir, tmp_path / "other")
    data = json.loads((baseline_dir / "results.json").read_text())
    data["protocol"] |= {"scene": "A", "max_steps": 200}
    data["protocol_digest"] = "0" * 16
    (tmp_path / "other" / "results.json").write_text(json.dumps(data))
    runs = read_runs([run_dir, tmp_path / "other"])
    assert protocol_differences(runs) == ["max steps: 120 / 200", "scene: D / A"]
    assert "Not a like-for-like comparison" in write_report([run.directory for run in runs], tmp_path).read_text()


def test_a_setting_is_named_where_it_is_not_the_simple_one(run_dir, tmp_path):
    shutil.copytree(run_dir, tmp_path / "distractor")
    data = json.loads((run_dir / "results.json").read_text())
    data["protocol"]["setting"] = "unseen_distractor"
    data["protocol_digest"] = "0" * 16
    (tmp_path / "distractor" / "results.json").write_text(json.dumps(data))
    runs = read_runs([run_dir, tmp_path / "distractor"])
    assert protocol_differences(runs) == ["setting: simple / unseen_distractor"]
    assert [dict(facts(run)).get("Setting") for run in runs] == [None, "unseen distractor"]
    assert "unseen_distractor" in write_report([run.directory for run in runs], tmp_path).read_text()


def test_a_stopped_evaluation_says_so(run_dir, tmp_path):
    shutil.copytree(run_dir, tmp_path / "stopped")
    data = json.loads((run_dir / "results.json").read_text())
    stopped = {"after": 30, "planned": 1000, "better": True, "alpha": 0.05, "against": "x", "against_digest": "y"}
    (tmp_path / "stopped" / "results.json").write_text(json.dumps({**data, "stopped": stopped}))
    (run,) = read_runs([tmp_path / "stopped"])
    assert dict(facts(run))["Chains"] == "30 of 1,000: stopped"


def test_open_loop_only(tmp_path):
    metrics = [
        {"name": "model", "value": 0.0213, "ci95": [0.018, 0.025]},
        {"name": "repeat_last", "value": 0.0198, "ci95": [0.016, 0.0234]},
    ]
    (tmp_path / "open_loop.json").write_text(json.dumps({"metrics": metrics}))
    page = write_report([tmp_path], tmp_path).read_text()
    assert "open-loop error of model on held-out data" in page
    assert "0.016 to 0.0234" in page
    assert "robovlms evaluate" not in page


def test_single_task_benchmarks_have_episodes(run_dir, tmp_path):
    data = json.loads((run_dir / "results.json").read_text())
    data["protocol"]["chain_length"] = 1
    data["metrics"] = {"success": data["metrics"]["success_1"]}
    for episode in data["episodes"]:
        del episode["tasks"][1:]
    (tmp_path / "results.json").write_text(json.dumps(data))
    page = write_report([tmp_path], tmp_path).read_text()
    assert "Every episode" in page
    assert "in a row" not in page


def test_every_training_line_counts_in_a_mean():
    rows = [{"step": s, "elapsed_s": s / 10, "loss": float(s % 2)} for s in range(1, 1001)]
    rows.append({"step": 500, "val_loss": 0.25})
    (loss,) = panels([Run("r", Path(), training=tuple(rows))])
    assert [(plot.axis, plot.log) for plot in loss.plots] == [
        ("step", False),
        ("step", True),
        ("time", False),
        ("time", True),
    ]
    train, validation = loss.plots[0].lines
    assert len(set(re.findall(r" ([\d.]+)", train.path.rsplit("L", 1)[0]))) <= 2
    assert validation.dots[0][0] == pytest.approx(240, abs=0.5)  # half way: its time comes from the training lines
    assert loss.plots[2].lines[1].dots[0][0] == pytest.approx(240, abs=0.5)


def test_odd_training_numbers_do_not_break_the_curves():
    rows = [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": -1.0}, {"step": 3, "loss": None}, {"note": "x"}]
    (loss,) = panels([Run("r", Path(), training=tuple(rows))])
    assert [plot.log for plot in loss.plots] == [False]
    assert panels([Run("r", Path(), training=({"step": 1, "loss": float("inf")},))]) == []


def test_clips_stay_within_their_budget(run_dir, tmp_path):
    run = read_run(run_dir)
    size = run.clips[0].path.stat().st_size
    kept, left_out = embed_clips([run], budget=int(1.5 * size))
    assert (len(kept), left_out) == (1, ["vla/chain_0001.mp4"])
    assert kept[0].poster.startswith("data:image/jpeg;base64,")


def test_a_clip_that_cannot_be_decoded_has_no_poster(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"not a video")
    write_clip(tmp_path / "videos" / "good.mp4")
    broken, good = embed_clips([read_run(tmp_path)])[0]
    assert (broken.poster, bool(good.poster)) == ("", True)
    assert good.title == "good"


def test_cannot_write(run_dir, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"report\.html cannot be written"):
        write_report([run_dir], tmp_path / "file" / "report.html")


def test_reports_never_import_torch():
    code = "import sys, robovlms.reports.html, robovlms.reports.terminal; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
