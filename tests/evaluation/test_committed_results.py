"""docs/results.md says what the committed results say, about all of them."""

import json
import re
import runpy
from pathlib import Path

import pytest

from robovlms.evaluation.results import load

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\|[^|]*\| `([\w.-]+)` \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \|(?: ([\d,]+) \|)?$", re.MULTILINE)
FILES = sorted((ROOT / "benchmarks/results").glob("*.json"))


def test_every_row_has_its_file_and_every_file_its_row():
    rows = ROW.findall((ROOT / "docs/results.md").read_text())
    assert sorted(name for name, *_ in rows) == [file.stem for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_row_is_what_its_file_says(file):
    results = load(file)
    (row,) = [row for row in ROW.findall((ROOT / "docs/results.md").read_text()) if row[0] == file.stem]
    metric = results.metrics["average_length"]
    assert row[1:4] == tuple(f"{value:.2f}" for value in (metric.value, *metric.ci95))
    chains = 200 if file.stem.startswith(("structure-", "head-")) else 100
    assert metric.n == results.protocol.num_chains == chains
    assert results.protocol_digest == results.protocol.digest()
    assert (results.protocol.scene, results.protocol.instruction_split) == ("D", "validation")


def test_training_speeds_are_what_their_files_say():
    rows = {row[0]: row[4] for row in ROW.findall((ROOT / "docs/results.md").read_text()) if row[4]}
    kept = ROOT / "benchmarks/results/training"
    assert rows == {name: f"{json.loads((kept / f'{name}.json').read_text())['samples_per_s']:,.0f}" for name in rows}


def test_the_calibration_of_each_row_is_what_its_file_says():
    table = runpy.run_path(str(ROOT / "benchmarks/calibration.py"))["table"]
    written = (ROOT / "docs/results.md").read_text().split("## Is confidence worth believing?")[1]
    rows = [line for line in written.splitlines() if line.startswith("| `")]
    names = [line.split("`")[1] for line in rows]
    assert len(names) > 6
    assert rows == table([ROOT / f"benchmarks/results/{name}.json" for name in names]).splitlines()[2:]


def test_the_meta_world_table_is_what_its_files_say():
    files = [ROOT / f"benchmarks/results/metaworld/{name}.json" for name in ("vla", "cnn")]
    found = [load(file) for file in files]
    written = (ROOT / "docs/metaworld.md").read_text()
    for task in found[0].protocol.tasks:
        attempts = [[one.success for each in run.episodes for one in each.tasks if one.task == task] for run in found]
        cells = " | ".join(f"{sum(successes)} of {len(successes)}" for successes in attempts)
        assert f"| `{task}` | {cells} |" in written
    rates = [run.metrics["success"] for run in found]
    cells = (f"{100 * rate.value:.1f} % [{100 * rate.ci95[0]:.0f}, {100 * rate.ci95[1]:.0f}]" for rate in rates)
    assert f"| all | {' | '.join(cells)} |" in written
