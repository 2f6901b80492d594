"""The catalogue of benchmarks: facts hold against the code that plays them, numbers follow, nothing heavy is loaded."""

import json
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from scipy.stats import binomtest

from robovlms.cli import benchmarks as command
from robovlms.evaluation.benchmarks import BENCHMARKS
from robovlms.evaluation.catalogue import ENTRIES
from robovlms.worlds.tabletop.chains import CHAIN_LENGTH, NUM_CHAINS
from robovlms.worlds.tabletop.settings import SETTINGS
from robovlms.worlds.tabletop.tasks import TASKS

LISTED = {entry["name"]: entry for entry in command.catalogue()}


def test_everything_that_can_be_played_is_listed_as_available():
    assert set(BENCHMARKS) <= set(LISTED)
    assert {name for name, entry in LISTED.items() if entry["status"] == "available"} == set(BENCHMARKS)
    assert LISTED["bdrbench"]["status"] == "data only"


def test_the_tabletop_is_as_the_code_has_it():
    tabletop = LISTED["tabletop"]
    assert tabletop["tasks"] == len(TASKS)
    assert list(tabletop["settings"]) == list(SETTINGS)
    assert (tabletop["episodes"], tabletop["chain_length"]) == (NUM_CHAINS, CHAIN_LENGTH)


@pytest.mark.parametrize(
    ("name", "module", "constant"),
    [("metaworld", "robovlms.worlds.metaworld.tasks", "TASKS"), ("calvin", "robovlms.worlds.calvin.symbolic", "TASKS")],
)
def test_counts_of_tasks_are_those_of_the_worlds(name, module, constant):
    if find_spec(module.rpartition(".")[0]) is None or find_spec(module) is None:
        pytest.skip(f"{module} does not exist")
    assert LISTED[name]["tasks"] == len(getattr(import_module(module), constant))


def test_intervals_and_episodes_follow_from_the_statistics():
    """Wilson's interval by scipy: CALVIN's chains give 3.1 points, the notes' 240 rollouts 6.3."""
    for name, points in (("calvin", 3.1), ("robot", 6.3)):
        n = LISTED[name]["episodes"]
        expected = binomtest(n // 2, n).proportion_ci(method="wilson")
        assert LISTED[name]["margin_points"] == points == round(50 * (expected.high - expected.low), 1)
    for entry in LISTED.values():
        needed = entry["episodes_for_3_points"]
        assert list(needed) == ["any rate", "near 80 %", "near 95 %"]
        for n, rate in zip(needed.values(), (0.5, 0.8, 0.95), strict=True):
            found = binomtest(round(rate * n), n).proportion_ci(method="wilson")
            assert 0.0285 < (found.high - found.low) / 2 <= 0.0301


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_is_said_is_complete_and_says_where_it_was_seen(entry):
    record = LISTED[entry.name]
    assert all(record[key] for key in ("title", "robot", "splits", "demonstrations", "licence", "install", "protocol"))
    assert {"tasks", "demonstrations"} <= record["verified"].keys() <= record.keys()
    assert all(record["verified"].values())


def test_the_page_explains_every_key():
    page = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text()
    assert [key for key in LISTED["tabletop"] if f"`{key}`" not in page] == []


def test_the_command_prints_json_and_a_table_of_80_columns_without_torch():
    code = (
        "import sys, robovlms.cli.main as m\n"
        "m.run(m.app)\n"
        "sys.stderr.write(' '.join(p for p in ('torch', 'transformers', 'mujoco') if p in sys.modules))"
    )
    shown = {}
    for arguments in ((), ("--json",)):
        done = subprocess.run(
            [sys.executable, "-c", code, "benchmarks", *arguments],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "80", "PYTHONPATH": ":".join(sys.path)},
        )
        assert done.stderr == ""
        shown[arguments] = done.stdout
    assert [entry["name"] for entry in json.loads(shown["--json",])] == [entry.name for entry in ENTRIES]
    for entry in ENTRIES:
        (row,) = [line for line in shown[()].splitlines() if line.startswith(f"{entry.name} ")]
        assert str(entry.tasks) in row
        assert entry.status in row
