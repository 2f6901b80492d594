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
