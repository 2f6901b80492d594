"""CALVIN's benchmark: what it refuses, and beside the official loop where ROBOVLMS_CALVIN_ENV names a clone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from robovlms.core.errors import MissingExtra, SpecMismatch, UnknownName, UserError
from robovlms.evaluation.benchmarks import Options, open_benchmark
from robovlms.evaluation.calvin import calvin_protocol
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint
from robovlms.policies.scripted import scripted_baseline
from robovlms.worlds.calvin.clones import SENTENCES, TASKS, VARIABLE, Clones
from robovlms.worlds.tabletop.conventions import ACTION_SPEC

PARITY = Path(__file__).parents[2] / "benchmarks" / "calvin_parity.py"


@pytest.fixture
def clones(monkeypatch, tmp_path) -> Clones:
    """A clone of sentences and rules alone, which is never simulated."""
    for name in (*SENTENCES.values(), TASKS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("open_drawer: [pull]\n")
    found = Clones(tmp_path, tmp_path)
    monkeypatch.setattr("robovlms.evaluation.calvin.find_clones", lambda: found)
    return found


@pytest.fixture
def installed(monkeypatch, clones) -> Clones:
    """As if the packages were there."""
    monkeypatch.setattr("robovlms.evaluation.calvin.require_packages", lambda: None)
    return clones


def test_the_official_protocol(installed):
    benchmark = open_benchmark("calvin", Options())
    protocol = benchmark.protocol
    assert (protocol.scene, protocol.num_chains, protocol.chain_length, protocol.max_steps) == ("D", 1000, 5, 360)
    assert (protocol.instruction_split, protocol.image_size, len(protocol.tasks)) == ("validation", 200, 34)
    assert [camera.height for camera in benchmark.observation_spec.cameras] == [200, 84]
    assert [job.id for job in benchmark.jobs[::999]] == ["calvin-0000", "calvin-0999"]
    assert benchmark.jobs[0].initial_state.scene_obs[:6].tolist() == [0.28, 0.22, 0, 0.088, 1, 1]
    assert not benchmark.worlds.shared
    assert benchmark.worlds.kwargs["python"] == sys.executable


def test_fewer_chains_are_the_first_ones(installed):
    whole, few = (open_benchmark("calvin", Options(episodes=number)) for number in (1000, 3))
    assert [job.tasks for job in few.jobs] == [job.tasks for job in whole.jobs[:3]]
    assert few.protocol.digest() != whole.protocol.digest()


def test_the_renderer_is_part_of_the_protocol(installed):
    one, other = (open_benchmark("calvin", Options(scene=scene, episodes=1)) for scene in ("D", "D:tiny"))
    assert one.protocol.digest() != other.protocol.digest()
    assert other.worlds.kwargs["settings"]["renderer"] == "tiny"


@pytest.mark.parametrize("name", [TASKS, SENTENCES["validation"]])
def test_a_clone_with_other_words_is_another_protocol(installed, name):
    before = calvin_protocol(num_chains=1).digest()
    (installed.calvin / name).write_text("open_drawer: [push]\n")
    assert calvin_protocol(num_chains=1).digest() != before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scene": "E"}, "Unknown CALVIN scene 'E'"),
        ({"tasks": "open_drawer"}, "CALVIN's chains are of all 34 tasks: got --tasks open_drawer"),
        ({"image_size": 64}, "200 and 84 pixels: got --image-size 64"),
        ({"episodes": 1001}, "got 1001, expected 1 to 1000"),
    ],
)
def test_what_the_protocol_fixes(installed, options, message):
    with pytest.raises(UserError, match=message):
        open_benchmark("calvin", Options(**options))


def test_without_a_clone(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UserError, match="CALVIN needs a clone of mees/calvin_env"):
        open_benchmark("calvin", Options())
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match=r"or too old a one: looked for calvin_env/envs/play_table_env\.py"):
        open_benchmark("calvin", Options())


def test_another_interpreter_has_the_packages(monkeypatch, clones):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for asking in ("benchmarks", "calvin"):
        monkeypatch.setattr(f"robovlms.evaluation.{asking}.ask", lambda *question: {"pybullet": "3.2.7"})
    opened = open_benchmark("calvin", Options(world_python="other/python"))
    worlds = opened.worlds
    assert opened.versions == {"world's pybullet": "3.2.7"}
    assert (worlds.kwargs["python"], worlds.kwargs["target"]) == ("other/python", "robovlms.worlds.calvin:CALVIN")
    assert "make world-calvin" in worlds.kwargs["remedy"]


def test_without_a_package(monkeypatch, clones):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pybullet is not installed. Run: pip install 'robovlms\[calvin\]'"):
        open_benchmark("calvin", Options())


def test_another_action_is_refused_before_anything_is_written(installed, tmp_path):
    policy = scripted_baseline("zero", ACTION_SPEC)
    with pytest.raises(SpecMismatch, match="rate_hz: 10 against 30"):
        run(
            policy,
            open_benchmark("calvin", Options(episodes=1)),
            checkpoint=Checkpoint("zero", "zero"),
            out=tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_an_unknown_renderer_is_no_scene():
    with pytest.raises(UnknownName, match="Did you mean 'D:tiny'"):
        calvin_protocol(scene="D:tny")


@pytest.mark.parametrize(("chains", "looks"), [("77,4", 0), ("77", 12)])
def test_the_official_loop_gives_the_same(tmp_path, chains, looks):
    """Chain 77 begins with the button, the slider and the drawer, which the policy of the benchmark can work."""
    if not os.environ.get(VARIABLE):
        pytest.skip(f"{VARIABLE} names no clone of mees/calvin_env")
    pytest.importorskip("pybullet")
    file = tmp_path / "found.json"
    command = [sys.executable, str(PARITY), "--chains", chains, "--looks", str(looks), "--steps", "60"]
    command += ["--blind"] * (looks == 0)
    subprocess.run([*command, "--renderer", "tiny", "--json", str(file)], check=True, capture_output=True)
    found = json.loads(file.read_text())
    assert found["success_vectors_equal"]
    assert found["equal_to_the_bit"] == found["chains"] == len(chains.split(","))
    assert max(found["solved"][0]) >= 2
    assert (found["images_compared"] > 5) == (looks > 0)
