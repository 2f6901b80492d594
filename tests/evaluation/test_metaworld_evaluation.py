"""The Meta-World benchmark: which episodes there are, and that they are played alike by any number of workers."""

from collections import Counter
from importlib.util import find_spec

import pytest

from robovlms.core.errors import MissingExtra, UnknownName
from robovlms.evaluation.benchmarks import Options, open_benchmark
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint, load
from robovlms.policies.scripted import scripted_baseline
from robovlms.worlds.metaworld.tasks import MT10, TASKS

RANDOM = Checkpoint(path="baseline:random", digest="random")


def opened(**options):
    return open_benchmark("metaworld", Options(**options))


@pytest.fixture(autouse=True)
def installed(request, monkeypatch):
    """Which episodes there are does not take the package."""
    if "missing" not in request.node.name:
        monkeypatch.setattr("robovlms.evaluation.metaworld.require_package", lambda: None)


def test_a_missing_package_is_told_before_anything_is_written(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'robovlms\[metaworld\]'"):
        opened()


def test_suites_tasks_and_what_was_trained_on():
    assert opened().protocol.tasks == TASKS
    assert opened(scene="mt10").protocol.tasks == opened(tasks="mt10").protocol.tasks == MT10
    assert opened(trained_on=("reach-v3",)).protocol.tasks == ("reach-v3",)
    assert opened(trained_on=("reach-v3",), scene="mt10").protocol.tasks == MT10
    assert opened(trained_on=("open_drawer", "turn_on_led")).protocol.tasks == TASKS  # a policy of another world
    assert opened(trained_on=("reach-v3",), tasks=("push-v3", "door-open-v3")).protocol.tasks == (
        "door-open-v3",
        "push-v3",
    )


def test_episodes_are_spread_evenly_and_a_start_does_not_depend_on_what_else_is_played():
    few, all_ = opened(tasks="mt10", episodes=23), opened()
    counts = Counter(job.tasks[0] for job in few.jobs)
    assert few.protocol.num_chains == len(few.jobs) == 23
    assert set(counts.values()) == {2, 3}
    assert len(all_.jobs) == 2500
    assert set(few.jobs) < set(all_.jobs)
    assert len({job.seed for job in all_.jobs}) == 2500
    assert few.protocol.chain_digest != opened(tasks="mt10", episodes=24).protocol.chain_digest
    assert (few.protocol.max_steps, few.protocol.instruction_split) == (500, "validation")


@pytest.mark.parametrize(("options", "near"), [({"scene": "mt11"}, "'mt10'"), ({"tasks": "reach"}, "'reach-v3'")])
def test_unknown_names(options, near):
    with pytest.raises(UnknownName, match=near):
        opened(**options)


@pytest.mark.skipif(not find_spec("metaworld"), reason="pip install 'robovlms[metaworld]'")
def test_episodes_do_not_depend_on_the_number_of_workers(tmp_path):
    benchmark = opened(tasks=("drawer-close-v3", "handle-press-v3"), episodes=4, batch=2)
    for workers in (0, 2):
        policy = scripted_baseline("random", benchmark.action_spec)
        run(policy, benchmark, checkpoint=RANDOM, out=tmp_path / str(workers), workers=workers)
    one, two = (load(tmp_path / str(workers) / "results.json") for workers in (0, 2))
    assert one == two
    assert [episode.status for episode in one.episodes] == ["ok"] * 4
    assert {task.steps for episode in one.episodes for task in episode.tasks} != {0}
