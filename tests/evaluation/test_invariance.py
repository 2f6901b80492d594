"""The tabletop with a VLA and a head that samples: the same bytes for any workers, parts, order, and after kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from test_tabletop_evaluation import short
from toy_policy import Traced

from robovlms.actions.statistics import ActionStatistics
from robovlms.core.errors import UserError
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.merging import merge
from robovlms.evaluation.results import Checkpoint
from robovlms.evaluation.shards import Shard
from robovlms.evaluation.store import EpisodeStore
from robovlms.evaluation.tabletop import tabletop_benchmark
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec

pytestmark = pytest.mark.render
NUM, STEPS, EXECUTOR = 9, 12, "chunk:4@1"
MODEL = {
    "kind": "vla",
    "architecture": {"kind": "policy_head_continuous", "history": 2, "stride": 2, "chunk": 6},
    "head": {"kind": "flow", "width": 32, "num_layers": 1, "sampling_steps": 4, "samples": 2},
}


def policy():
    """The packaged VLM with a random flow head; every plan draws its noise."""
    torch.manual_seed(0)
    manifest = VLAManifest.model_validate(
        {"model": MODEL, "action_spec": ACTION_SPEC, "observation_spec": observation_spec(64)}
    )
    actions = np.random.default_rng(0).normal(size=(100, 7)).astype(np.float32)
    return Traced(VLA.create(manifest, {"tabletop": ActionStatistics.of(actions)}).policy(EXECUTOR, None, 4))


def play(out, **settings):
    """Evaluate; returns a digest of every byte each episode saw and did."""
    torch.set_num_threads(1)
    traced = policy()
    benchmark = tabletop_benchmark(short(NUM, STEPS, executor=EXECUTOR))
    settings = {"workers": 0, "checkpoint": Checkpoint("flow", "flow"), **settings}
    run(traced, benchmark, out=out, **settings)
    return traced.trace


def results_of(folder):
    return (folder / "results.json").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    return out, play(out)


def test_the_policy_reads_its_images_and_its_noise(whole):
    assert len(set(whole[1].values())) == NUM


@pytest.mark.parametrize("workers", [2, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 8))])
def test_any_number_of_workers(tmp_path, whole, workers):
    assert play(tmp_path / "run", workers=workers) == whole[1]
    assert results_of(tmp_path / "run") == results_of(whole[0])


@pytest.mark.parametrize("count", [2, *(pytest.param(number, marks=pytest.mark.slow) for number in (3, 9))])
def test_any_number_of_parts_in_any_order(tmp_path, whole, count):
    trace, folders = {}, [tmp_path / str(number) for number in range(1, count + 1)]
    for number in range(count, 0, -1):
        trace |= play(folders[number - 1], shard=Shard(number, count))
    assert trace == whole[1]
    for name, order in (("one", folders), ("other", folders[::-1])):
        merge(order, tmp_path / name)
        assert results_of(tmp_path / name) == results_of(whole[0])


def num_recorded(folder):
    try:
        with EpisodeStore(folder) as store:
            return len(store.episodes)
    except UserError:  # not there yet
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 5])
def test_killed_and_resumed(tmp_path, whole, after):
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "if __name__ == '__main__':\n"
        "    import test_invariance as t\n"
        f"    t.play(Path({str(tmp_path / 'run')!r}), workers=2)\n"
    )
    (tmp_path / "main.py").write_text(script)
    child = subprocess.Popen([sys.executable, tmp_path / "main.py"], stdout=subprocess.DEVNULL)
    while num_recorded(tmp_path / "run") < after:
        assert child.poll() is None, "finished before it could be killed"
        time.sleep(0.1)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    resumed = play(tmp_path / "run", resume=True)
    assert 0 < len(resumed) < NUM
    assert resumed.items() <= whole[1].items()
    assert results_of(tmp_path / "run") == results_of(whole[0])
