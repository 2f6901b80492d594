"""What ``train`` suggests at its end is the benchmark its data is for."""

import numpy as np
import pytest

from robovlms.actions.calvin import ABSOLUTE_ACTIONS, RELATIVE_ACTIONS
from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.baselines import CNNConfig
from robovlms.cli.train import _next_steps
from robovlms.data.hdf5.conventions import CONVENTIONS
from robovlms.evaluation.benchmarks import ACTIONS, BENCHMARKS, benchmark_of
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.worlds.metaworld.conventions import ACTION_SPEC as METAWORLD
from robovlms.worlds.metaworld.conventions import observation_spec
from robovlms.worlds.tabletop.conventions import ACTION_SPEC as TABLETOP


def test_every_benchmark_says_what_its_actions_mean():
    assert ACTIONS.keys() == BENCHMARKS.keys()


@pytest.mark.parametrize(
    ("spec", "benchmark"),
    [
        (TABLETOP, "tabletop"),
        (METAWORLD, "metaworld"),
        (RELATIVE_ACTIONS, "calvin"),
        (CONVENTIONS["libero"], "libero"),
        (ABSOLUTE_ACTIONS, None),
        (CONVENTIONS["aloha"], None),
    ],
)
def test_the_benchmark_of_data(spec, benchmark):
    assert benchmark_of(spec) == benchmark


@pytest.mark.parametrize(("rate_hz", "option"), [(METAWORLD.rate_hz, "--benchmark metaworld"), (5.0, None)])
def test_a_run_is_followed_by_its_evaluation_or_by_none(tmp_path, rate_hz, option):
    spec = METAWORLD.model_copy(update={"rate_hz": rate_hz})
    manifest = VLAManifest(model=CNNConfig(), action_spec=spec, observation_spec=observation_spec(64))
    statistics = ActionStatistics.of(np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32))
    VLA.create(manifest, {"metaworld": statistics}).save_pretrained(tmp_path / "run")
    steps = _next_steps(tmp_path / "run")
    assert steps[0] == f"robovlms report {tmp_path / 'run'}"
    assert [option in step for step in steps[1:]] == ([True] if option else [])
