"""Worlds in a Ray cluster of two nodes: the same episodes as in this process, and actors that die."""

import os
from pathlib import Path

import pytest
from test_rollout import RULES, play
from toy_policy import toy_factory, toy_jobs

from robovlms.cli.scoring import score
from robovlms.core.errors import UserError
from robovlms.launchers.ray import RayWorkers

pytest.importorskip("ray", reason="ray is not installed: pip install 'robovlms[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the warnings are Ray's own


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        yield cluster
        import ray

        ray.shutdown()
        cluster.shutdown()


def workers(cluster, num=2, **settings):
    factory = toy_factory(**{name: settings.pop(name) for name in ("fault_file", "error") if name in settings})
    return RayWorkers(factory, RULES, num, address=cluster.address, **settings)


def test_two_machines_play_the_same_episodes_in_the_same_order(cluster):
    pool = workers(cluster)
    assert len(set(pool.nodes)) == 2
    assert play(toy_jobs(23), 0, pool=pool) == play(toy_jobs(23), 0)


@pytest.mark.parametrize(("num_crashes", "status"), [(2, "ok"), (1000, "infrastructure_error")])
def test_an_episode_that_kills_its_actor(cluster, tmp_path, num_crashes, status):
    fault_file = tmp_path / "crashes"
    fault_file.write_text(str(num_crashes))
    jobs = toy_jobs(9)
    jobs[2] = toy_jobs(9, tasks=["crash"])[2]
    results = {r.id: r for r in play(jobs, 0, pool=workers(cluster, fault_file=str(fault_file)))}
    assert results[jobs[2].id].status == status
    others = {r.id: r for r in play(toy_jobs(9), 0)}
    assert all(result == others[name] for name, result in results.items() if name != jobs[2].id)


def test_a_silent_actor_is_replaced(cluster):
    jobs = [*toy_jobs(2), *toy_jobs(3, tasks=["hang"])[2:]]
    results = {r.id: r for r in play(jobs, 0, pool=workers(cluster, num=1, reply_timeout_s=3.0))}
    assert "no answer within 3 s" in results[jobs[2].id].error
    assert [results[job.id] for job in jobs[:2]] == play(jobs[:2], 0)


def test_bad_input_of_a_world_is_the_users(cluster):
    with pytest.raises(UserError, match="Image size 2"):
        play(toy_jobs(3), 0, pool=workers(cluster, error=UserError("Image size 2 is out of range.")))


def test_no_cluster_there():
    import ray

    ray.shutdown()
    with pytest.raises(UserError, match="ray start"):
        RayWorkers(toy_factory(), RULES, 1, address="127.0.0.1:1")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_an_evaluation_without_its_cluster_writes_nothing(monkeypatch, tmp_path, address):
    import ray

    ray.shutdown()
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UserError, match="ray start"):
        score("baseline:zero", tmp_path / "x", "tabletop", {"episodes": 1}, launcher="ray")
    assert not list(tmp_path.iterdir())
