"""The doctor finds nothing in clean demonstrations, what is odd in real data, and every mistake made on purpose."""

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from robovlms.actions.spec import ActionComponent, ActionSpec, ObservationSpec, StateComponent
from robovlms.cli import main as cli
from robovlms.data.doctor import check_timing
from robovlms.data.doctor.check_leak import between
from robovlms.data.doctor.checks import CHECKS, diagnose
from robovlms.data.doctor.examined import Examined, Recording, examine
from robovlms.data.doctor.mistakes import MISTAKES, STATISTICS, trials
from robovlms.data.doctor.regression import weigh
from robovlms.data.doctor.stored import stored_beside, stored_in
from robovlms.data.doctor.verified import ALIKE, NOT, verified
from robovlms.data.sources import LeRobotConfig, RLDSConfig
from robovlms.data.stats import save_statistics
from robovlms.demos.collect import collect
from robovlms.demos.tabletop import TabletopPlan
from robovlms.worlds.tabletop.tasks import task_set

EVERY_MISTAKE = [*MISTAKES, STATISTICS]


@pytest.fixture(scope="module")
def tabletop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor") / "demos"
    collect(TabletopPlan(tasks=task_set("all"), num_episodes=30, seed=11, image_size=32), folder)
    return LeRobotConfig(path=folder)


@pytest.fixture(scope="module")
def tabletop_trials(tabletop):
    return trials(tabletop.open(), tabletop, looked_at=6)


@pytest.fixture(scope="module")
def bridge_trials(bridge):
    config = RLDSConfig(path=bridge)
    return trials(config.open(), config, looked_at=6)


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["robovlms", "data", *map(str, arguments)])
    code = cli.run(cli.app)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_clean_demonstrations_raise_no_alarm(tabletop_trials):
    assert tabletop_trials.known == ()


def test_what_is_odd_in_real_data_is_found_and_nothing_else(bridge_trials):
    black, ends = bridge_trials.known
    assert (black.check, black.severity) == ("frames", "error")
    assert "'image_3' is black" in black.seen
    assert (ends.check, "25 of 25" in ends.seen) == ("ends", True)


@pytest.mark.parametrize("mistake", EVERY_MISTAKE)
def test_mistakes_in_demonstrations_are_noticed(tabletop_trials, mistake):
    (trial,) = [trial for trial in tabletop_trials.trials if trial.mistake == mistake]
    assert trial.caught, trial


@pytest.mark.parametrize("mistake", EVERY_MISTAKE)
def test_mistakes_in_real_data_are_noticed(bridge_trials, mistake):
    (trial,) = [trial for trial in bridge_trials.trials if trial.mistake == mistake]
    if trial.caught is None:
        # No camera is named after the tool, the flags are missing already, and records have no times.
        assert mistake in ("cameras exchanged", "end flags missing", "rate halved in both specs")
    else:
        assert trial.caught, trial


def test_every_check_has_its_mistake_and_its_line_in_the_page():
    page = (Path(__file__).parents[2] / "docs/doctor.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(CHECKS)
    assert {name for checks, _ in MISTAKES.values() for name in checks.split()} == set(CHECKS) - {"statistics"}
    assert len(EVERY_MISTAKE) >= 14


def test_what_cannot_be_verified_is_not_called_verified(tabletop):
    source = tabletop.open()
    data = examine(source, tabletop, looked_at=0)
    assert verified(data)["position"].startswith("changes along the base's axes")
    blind = ObservationSpec(cameras=(), state=(StateComponent(name="all", dims=15),), rate_hz=10)
    unknown = replace(data, observation_spec=blind)
    assert diagnose(unknown) == []
    assert set(verified(unknown).values()) == {NOT}
    still = replace(data, recordings=tuple(replace(one, state=one.state[:1]) for one in data.recordings[:0]))
    assert diagnose(still) == []


def test_actions_nobody_described_are_a_warning(tabletop):
    data = examine(tabletop.open(), tabletop, looked_at=0)
    other = tuple(c.model_copy(update={"kind": "other"}) for c in data.action_spec.components)
    spec = ActionSpec(components=other, rate_hz=data.action_spec.rate_hz)
    (finding,) = diagnose(replace(data, action_spec=spec))
    assert (finding.check, finding.severity) == ("values", "warning")


def test_a_state_that_names_no_rotation_is_a_finding(tabletop):
    data = examine(tabletop.open(), tabletop, looked_at=0)
    turned = StateComponent(name="turned", dims=4, rotation="quaternion_xyzw")
    others = tuple(c for c in data.observation_spec.state[:1])
    spec = data.observation_spec.model_copy(update={"state": (*others, turned)})
    zeros = tuple(replace(r, state=np.hstack([r.state[:, :3], 0 * r.state[:, :4]])) for r in data.recordings)
    found = diagnose(replace(data, observation_spec=spec, recordings=zeros))
    assert any("length 0" in finding.seen for finding in found)
    assert any("names no rotation" in finding.seen for finding in found)


def test_a_tool_frame_that_no_state_shows_is_a_warning_where_the_base_moves_along(tabletop):
    data = examine(tabletop.open(), tabletop, looked_at=0)
    state, actions = data.observation_spec, data.action_spec
    at = state.columns(["tcp_position"])
    bare = ObservationSpec(cameras=(), state=state.state[:1], rate_hz=10)
    parts = tuple(
        c.model_copy(update={"frame": "tcp"}) if c.kind == "delta_position" else c for c in actions.components
    )
    rows = tuple(replace(one, state=one.state[:, at]) for one in data.recordings)
    blind = replace(data, observation_spec=bare, recordings=rows)
    assert diagnose(blind) == []
    (finding,) = diagnose(replace(blind, action_spec=actions.model_copy(update={"components": parts})))
    assert (finding.check, finding.severity) == ("reading", "warning")
    assert "no orientation" in finding.seen


def test_some_sentences_may_be_said_of_two_tasks(tabletop):
    data = examine(tabletop.open(), tabletop, looked_at=0)
    lifts = [replace(r, instruction="lift it") if "lift" in r.task else r for r in data.recordings]
    assert len({r.task for r in lifts if r.instruction == "lift it"}) > 1
    assert diagnose(replace(data, recordings=tuple(lifts))) == []
    most = tuple(replace(r, instruction="do it") if r.index % 3 else r for r in data.recordings)
    assert [finding.check for finding in diagnose(replace(data, recordings=most))] == ["language"]
    unnamed = tuple(replace(r, instruction="do it", task="") for r in data.recordings)
    assert [finding.severity for finding in diagnose(replace(data, recordings=unnamed))] == ["warning"]


def test_episodes_of_one_source_may_overlap(tabletop):
    data = examine(tabletop.open(), tabletop, looked_at=0)
    twice = replace(data, recordings=data.recordings + tuple(replace(r, held_out=True) for r in data.recordings))
    assert diagnose(twice) == []
    elsewhere = tuple(replace(one, source=f"{one.source} again") for one in data.recordings)
    assert [f.severity for f in CHECKS["leak"](replace(data, recordings=data.recordings + elsewhere))] != []


def test_validation_data_is_searched_for_training_episodes(tabletop):
    data = examine(tabletop.open(), tabletop, looked_at=0)
    first, second = (replace(data, recordings=part) for part in (data.recordings[:20], data.recordings[20:]))
    assert between(first, second) == []
    cut = replace(data.recordings[3], state=data.recordings[3].state[2:], actions=data.recordings[3].actions[2:])
    (finding,) = between(first, replace(second, recordings=(*second.recordings, cut)))
    assert (finding.check, finding.episode) == ("leak", 3)


def test_statistics_beside_the_data_are_held_against_it(tabletop, tmp_path, monkeypatch, capsys):
    shutil.copytree(tabletop.path, tmp_path / "set")
    config = LeRobotConfig(path=tmp_path / "set")
    assert run(monkeypatch, capsys, "stats", config.path)[0] == 0
    stored = stored_beside(config)
    assert [(one.file, one.of) for one in stored] == [
        ("statistics.json", "action"),
        ("statistics.json", "state"),
        ("meta/stats.json", "action"),
        ("meta/stats.json", "state"),
    ]
    data = examine(config.open(), config, stored, looked_at=0)
    assert diagnose(data) == []
    file = config.path / "meta/stats.json"
    content = json.loads(file.read_text())
    content["action"]["mean"][0] += 1
    file.write_text(json.dumps(content))
    (finding,) = diagnose(replace(data, stored=stored_beside(config)))
    assert "meta/stats.json: action dimension 0: mean" in finding.seen


def test_statistics_of_a_checkpoint_are_held_against_the_data(tabletop, tmp_path, monkeypatch, capsys):
    from robovlms.actions.statistics import ActionStatistics

    other = ActionStatistics.of(np.random.default_rng(0).normal(size=(50, 7)))
    save_statistics(tmp_path / "action_statistics.json", {"arm": other})
    assert [one.of for one in stored_in(tmp_path / "action_statistics.json", tabletop)] == ["action"]
    code, out, _ = run(
        monkeypatch, capsys, "doctor", tabletop.path, "--statistics", tmp_path / "action_statistics.json"
    )
    assert code == 1
    assert "error: statistics" in out


def test_the_command_says_what_is_wrong_by_its_exit_code(tabletop, bridge, monkeypatch, capsys, tmp_path):
    code, out, _ = run(monkeypatch, capsys, "doctor", tabletop.path, "--episodes", 4)
    assert code == 0, out
    assert "0 errors, 0 warnings" in out
    code, out, _ = run(monkeypatch, capsys, "doctor", bridge, "--json", "--validation", bridge)
    assert code == 1
    found = json.loads(out)
    assert [finding["check"] for finding in found["findings"]] == ["frames", "ends", "leak"]
    assert found["num_frames"] == 250
    for arguments in ([tmp_path], [tmp_path / "none"], [bridge, "--convention", "brige"], ["--kind", "rlds"]):
        code, _, err = run(monkeypatch, capsys, "doctor", *arguments)
        assert code == 2, arguments
        assert "Traceback" not in err


def test_candidates_that_cannot_be_told_apart_are_not_weighed():
    rng = np.random.default_rng(0)
    one, other = ([rng.normal(size=(60, 3)) for _ in range(4)] for _ in range(2))
    seen = [0.8 * part + 0.3 * rng.normal(size=part.shape) for part in other]
    weights = weigh([one, other], seen)
    assert weights.certainty(lambda w: w[..., 1] - abs(w[..., 0])) > 4
    assert weigh([one, [part * 1.01 for part in one]], seen) is None
    assert weigh([one[:1], other[:1]], seen[:1]) is None  # too little


def recorded(rng, smooth_rotation, shift=0):
    """Motion that follows the actions of its own row, whose positions change so slowly that neighbours are alike."""
    recordings = []
    for index in range(8):
        times = np.arange(120)[:, None]
        slow = np.sin(times * rng.uniform(0.02, 0.04, 3) + rng.uniform(0, 6, 3))
        turned = np.sin(times * 0.03 + rng.uniform(0, 6, 3)) if smooth_rotation else rng.uniform(-1, 1, (120, 3))
        moves = np.concatenate([0.01 * slow, 0.02 * turned], axis=1)
        state = np.cumsum(np.vstack([np.zeros((1, 6)), moves[:-1]]), axis=0) + 1e-5 * rng.normal(size=moves.shape)
        actions = np.roll(moves, shift, axis=0)
        numbers = (state.astype(np.float32), actions.astype(np.float32), "go", "task", f"source {index}")
        recordings.append(Recording(index, *numbers))
    return tuple(recordings)


@pytest.mark.parametrize("shift", [0, 1])
def test_rotation_tells_the_timing_where_the_position_is_too_smooth(shift):
    components = (
        ActionComponent(name="move", dims=3, kind="delta_position", unit="m"),
        ActionComponent(name="turn", dims=3, kind="delta_rotation", unit="rad", rotation="euler_xyz"),
    )
    pose = StateComponent(name="place", dims=3, unit="m"), StateComponent(name="pose", dims=3, rotation="euler_xyz")
    specs = ActionSpec(components=components, rate_hz=30), ObservationSpec(cameras=(), state=pose, rate_hz=30)
    data = Examined(*specs, recorded(np.random.default_rng(0), False, shift))
    assert [finding.check for finding in check_timing.check(data)] == ["timing"] * shift
    share, told = verified(data)["timing"].split("%")
    assert float(share) == pytest.approx(100 * shift, abs=3)
    assert told == " of the motion is due to the next row's action"
    smooth = Examined(*specs, recorded(np.random.default_rng(0), True, shift))
    assert check_timing.check(smooth) == []
    assert verified(smooth)["timing"] == ALIKE
