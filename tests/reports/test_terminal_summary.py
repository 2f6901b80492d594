import io
import json
import re
import shutil

from rich.console import Console

from robovlms.evaluation import results
from robovlms.reports.terminal import print_summary


def test_prints_values_intervals_places_and_next_steps(run_dir, baseline_dir, tmp_path):
    stream = io.StringIO()
    print_summary(
        [run_dir, baseline_dir],
        places={"Report": tmp_path / "report.html"},
        next_steps=["robovlms evaluate [bold]x[/bold]"],
        console=Console(file=stream, width=120),
    )
    text = stream.getvalue()
    low, high = results.load(run_dir).metrics["average_length"].ci95
    assert f"[{low:.2f}, {high:.2f}]" in text
    assert "5 in a row" in text
    assert "vla" in text
    assert "baseline-cnn" in text
    assert str(tmp_path / "report.html") in text
    assert "robovlms evaluate [bold]x[/bold]" in text


def test_no_digit_is_lost_at_80_columns(run_dir, baseline_dir, tmp_path):
    """Four runs with long names and open-loop errors: everything a wide terminal shows is there."""
    names = ("quickstart_first_seed_of_three", "baseline-cnn-under-the-same-budget", "c", "without_pre_training")
    folders = [tmp_path / name for name in names]
    for folder, source in zip(folders, (run_dir, baseline_dir, run_dir, baseline_dir), strict=True):
        shutil.copytree(source, folder)
    errors = [
        {"name": "model", "value": 0.0712345, "ci95": [0.0691, 0.0734], "n": 52},
        {"name": "repeat_last", "value": 0.2, "ci95": [0.1, 0.2345], "n": 52},
    ]
    (folders[1] / "open_loop.json").write_text(json.dumps({"metrics": errors}))
    wide, narrow = (shown(folders, width) for width in (500, 80))
    assert max(map(len, narrow.splitlines())) <= 80
    assert sorted(numbers(wide)) == sorted(numbers(narrow))
    for folder in folders:
        metrics = results.load(folder).metrics
        for rank in range(1, 6):
            metric = metrics[f"success_{rank}"]
            low, high = (f"{100 * bound:.0f}" for bound in metric.ci95)
            assert f"{100 * metric.value:.0f} % [{low}, {high}]" in narrow
    for number in ("0.0712", "0.0691", "0.0734", "0.234"):
        assert number in numbers(narrow)
    assert "…" not in narrow
    assert headers(narrow) == names


def test_evaluations_of_other_protocols_are_told_apart(run_dir, tmp_path):
    shutil.copytree(run_dir, tmp_path / "other")
    file = tmp_path / "other" / "results.json"
    changed = json.loads(file.read_text())
    changed["protocol"]["world_version"] += 1
    changed["protocol_digest"] = "0" * 16
    file.write_text(json.dumps(changed))
    assert "like-for-like comparison: world version: 0 / 1" in shown([run_dir, tmp_path / "other"], 80)
    assert "like-for-like" not in shown([run_dir], 80)


def test_infrastructure_errors_and_speed_are_told(run_dir, tmp_path):
    plain = shown([run_dir], 300)
    assert "Infrastructure" not in plain
    assert "Speed" not in plain
    changed = json.loads((run_dir / "results.json").read_text())
    broken = changed["episodes"][3] | {"status": "infrastructure_error", "tasks": [], "error": "died"}
    changed["episodes"][3] = broken
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.json").write_text(json.dumps(changed))
    worlds = {"simulator": 0.61, "render": 0.22, "idle": 0.17}
    timing = {"workers": 2, "steps_per_s": 1812.3, "episodes_per_h": 2400.4, "world_faults": 3, "idle_deaths": 2}
    timing["shares"] = {"worlds": worlds, "policy": {"busy": 0.74, "idle": 0.26}}
    (tmp_path / "run" / "timing.json").write_text(json.dumps(timing))
    text = shown([tmp_path / "run"], 300)
    total = len(changed["episodes"])
    assert f"Infrastructure errors: 1 of {total} episodes, not counted above: {broken['id']}." in text
    assert "World faults: 3 " in text
    assert "Idle deaths: 2 " in text
    assert (
        "Speed: 1,812 control steps/s; 2,400 episodes/h; 2 workers; worlds: simulator 61 %, render 22 %, idle 17 %; "
        "policy: busy 74 %, idle 26 %"
    ) in text
    worlds["render"] = None
    (tmp_path / "run" / "timing.json").write_text(json.dumps(timing))
    assert "worlds: simulator and render 61 %, idle 17 %" in shown([tmp_path / "run"], 300)
    assert "run: Speed: 1,812" in shown([tmp_path / "run", run_dir], 300)


def shown(folders, width):
    stream = io.StringIO()
    print_summary(folders, console=Console(file=stream, width=width))
    return stream.getvalue()


def numbers(text):
    """Every number in the cells of the tables."""
    cells = [cell for line in text.splitlines() if line.startswith("│") for cell in line.split("│")[2:]]
    return re.findall(r"\d+(?:\.\d+)?", " ".join(cells))


def headers(text):
    """Names of the columns of all tables; rich folds them over lines and sets them at the bottom."""
    tables = re.findall(r"┓\n(.*?)\n┡", text, re.DOTALL)
    lines = [[line.split("┃")[2:-1] for line in table.splitlines()] for table in tables]
    return tuple("".join(cell.strip() for cell in column) for table in lines for column in zip(*table, strict=True))
