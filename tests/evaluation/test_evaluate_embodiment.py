"""``robovlms evaluate --embodiment``: a policy of several robots acts as the one that is named, and as no other."""

import sys

import numpy as np
import pytest
from toy_policy import toy_factory, toy_jobs, toy_protocol
from toy_world import ToyWorld

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.cli import main as cli
from robovlms.core.config import validate
from robovlms.core.types import Episode
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.evaluation.benchmarks import BENCHMARKS
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.results import load
from robovlms.policies.checkpoint_files import digest
from robovlms.training.experiment import Experiment
from robovlms.training.run import run

SIZE = 64
JOINTS = ActionSpec(components=(ActionComponent(name="joints", dims=3, kind="joint_position"),), rate_hz=10)


def open_toy(options):
    """Two short episodes of the toy world."""
    world, protocol = ToyWorld(SIZE), toy_protocol(2, chain_length=1, executor=options.executor)
    jobs, worlds = tuple(toy_jobs(2, ("left",))), toy_factory(image_size=SIZE)
    return Benchmark(protocol, jobs, worlds, world.action_spec, world.observation_spec)


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """Trained on data of the toy world's robot and of another one, which has the same camera."""
    folder, world = tmp_path_factory.mktemp("robots"), ToyWorld(SIZE)
    rng = np.random.default_rng(0)
    for name, spec in (("toy", world.action_spec), ("arm", JOINTS)):
        with LeRobotWriter(folder / name, spec, world.observation_spec) as writer:
            for number in range(4):
                images, state = rng.integers(0, 255, (6, SIZE, SIZE, 3), np.uint8), rng.normal(size=(6, 1))
                actions = rng.uniform(-1, 1, (6, spec.dims)).astype(np.float32)
                writer.add(Episode({"only": images}, state.astype(np.float32), actions, f"go {number}", "left"))
    model = {"kind": "cnn", "architecture": {"channels": [4, 4, 4], "width": 16, "chunk": 1}, "head": {"hidden": 16}}
    data = [{"kind": "lerobot", "path": str(folder / name), "embodiment": name} for name in ("toy", "arm")]
    settings = {"steps": 1, "batch_size": 4}
    run(validate(Experiment, {"name": "two", "model": model, "data": data, "training": settings}), folder / "run")
    return folder / "run"


@pytest.fixture
def evaluate(policy, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(BENCHMARKS, "toy", f"{__name__}:open_toy")

    def say(*arguments, out="out"):
        command = ["evaluate", policy, "--benchmark", "toy", "--workers", 1, "--video", 0, "--out", tmp_path / out]
        monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, [*command, *arguments])])
        return cli.run(cli.app), capsys.readouterr().err

    return say


def test_the_named_robot_acts(evaluate, policy, tmp_path):
    code, err = evaluate("--embodiment", "toy")
    assert code == 0, err
    results = load(tmp_path / "out")
    assert [episode.status for episode in results.episodes] == ["ok", "ok"]
    assert results.checkpoint_digest != digest(policy), "as another robot it is another policy"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "knows 2 embodiments; say which one: arm, toy"),
        (("--embodiment", "tyo"), "Did you mean 'toy'"),
        (("--embodiment", "arm"), "The checkpoint and the world"),
    ],
)
def test_another_robot_is_refused_before_anything_is_played(evaluate, tmp_path, arguments, message):
    code, err = evaluate(*arguments)
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()
