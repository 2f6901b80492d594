"""``robovlms plan`` from expectations and from a pilot, and questions it refuses."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from robovlms.cli import main as cli
from robovlms.evaluation.comparison import compare, paired
from robovlms.evaluation.results import load
from robovlms.statistics.intervals import wilson

RESULTS = Path(__file__).parents[2] / "benchmarks/results"
PILOTS = [RESULTS / "loss-l1-0.json", RESULTS / "loss-huber-0.3-0.json"]


def said(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["robovlms", "plan", *map(str, arguments)])
    code = cli.run(cli.app)
    return code, capsys.readouterr()


def episodes(monkeypatch, capsys, *arguments):
    code, out = said(monkeypatch, capsys, *arguments, "--json")
    assert code == 0, out.err
    return json.loads(out.out)["episodes"]


def test_an_interval_of_three_points(monkeypatch, capsys):
    n = episodes(monkeypatch, capsys, "--margin", 3, "--rate", 80)
    found = wilson(round(0.8 * n), n)
    assert (found.high - found.low) / 2 == pytest.approx(0.03, abs=1e-4)
    assert said(monkeypatch, capsys, "--margin", 3)[1].out.startswith("1,064 episodes: ")


def test_a_pilots_spread_is_its_own(monkeypatch, capsys):
    solved = [episode.num_solved for episode in load(PILOTS[0]).episodes]
    n = episodes(monkeypatch, capsys, PILOTS[0], "--margin", 0.2)
    assert n == np.ceil((1.959964 * np.std(solved, ddof=1) / 0.2) ** 2)


def test_two_pilots_are_planned_by_their_differences(monkeypatch, capsys):
    (first, second), _ = paired([load(path) for path in PILOTS])
    shown = (second - first).mean()
    n = episodes(monkeypatch, capsys, *PILOTS)
    assert n == episodes(monkeypatch, capsys, *PILOTS, "--separate", shown)
    assert n == np.ceil(((1.959964 + 0.841621) * np.std(second - first, ddof=1) / shown) ** 2)
    assert episodes(monkeypatch, capsys, *PILOTS, "--separate", shown / 2) > 3 * n


def test_two_pilots_are_told_how_soon_stopping_would_end(monkeypatch, capsys):
    code, out = said(monkeypatch, capsys, *PILOTS, "--json")
    stopping = json.loads(out.out)["stopping"]
    assert code == 0
    assert 20 < stopping < 200
    assert f"With evaluate --against, which stops as soon as it is known, {stopping} are" in (
        said(monkeypatch, capsys, *PILOTS)[1].out
    )
    assert json.loads(said(monkeypatch, capsys, "--margin", 3, "--json")[1].out)["stopping"] is None


def test_a_comparison_says_when_it_could_have_stopped():
    first, second = (load(path) for path in PILOTS)
    found = compare(first, second).decided
    assert found is not None
    assert found.better == 1
    assert 10 < found.n < 100
    assert compare(first, first).decided is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--margin"),
        (["--margin", 3, "--separate", 2], "not for both"),
        (["--margin", 0], "Margin: got 0"),
        (["--separate", 60], "between the difference"),
        (["--margin", 3, "--rate", 130], "Rate: got 1.3"),
        ([PILOTS[0]], "expected one with --margin"),
        ([PILOTS[0], PILOTS[0]], "All 100 episodes of the pilot give the same number"),
        (["--margin", "1e-6"], "more than 1,000,000,000 episodes"),
        (["--separate", "1e-200"], "more than 1,000,000,000 episodes"),
        (["--separate", 5, "--power", 100], "Power: got 1 (100 %), expected a share"),
        ([*PILOTS, PILOTS[0]], "Got 3 results"),
        (["missing.json", "--margin", 1], "missing.json"),
        ([RESULTS / "quick-vla-0.json", PILOTS[0]], "measured different things"),
    ],
)
def test_what_makes_no_plan_is_refused(monkeypatch, capsys, arguments, message):
    code, out = said(monkeypatch, capsys, *arguments)
    assert code == 2
    assert message in out.err
