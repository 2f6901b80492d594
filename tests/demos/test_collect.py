"""Collecting demonstrations: the same bytes for any number of processes, which end with the one that asked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.demos.collect import collect
from robovlms.demos.tabletop import TabletopPlan
from robovlms.worlds.tabletop import ACTION_SPEC, observation_spec
from robovlms.worlds.tabletop.chains import MAX_STEPS
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.tasks import task_set

OWNER = """
import os, time
from robovlms.demos.collect import _pool
if __name__ == "__main__":
    print(_pool(1).submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


def running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.is_file() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_workers_end_when_their_owner_is_killed(tmp_path):
    (tmp_path / "owner.py").write_text(OWNER)
    with subprocess.Popen([sys.executable, str(tmp_path / "owner.py")], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        worker = int(owner.stdout.readline())
        assert running(worker)
        os.kill(owner.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while running(worker):
        assert time.monotonic() < deadline, "the worker outlived its owner"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The same plan by one process and by two, and the tally of the first."""
    plan = TabletopPlan(tasks=task_set("fixtures_drawer"), scenes="AD", num_episodes=27, seed=3, image_size=16)
    folders = [tmp_path_factory.mktemp("demos") / str(processes) for processes in (1, 2)]
    tallies = [collect(plan, folder, processes) for processes, folder in enumerate(folders, 1)]
    assert tallies[0] == tallies[1]
    return plan, folders, tallies[0]


@pytest.mark.render
def test_the_same_seed_gives_the_same_bytes_for_any_number_of_processes(collected):
    contents = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in collected[1]
    ]
    assert contents[0] == contents[1]


@pytest.mark.render
def test_demonstrations_are_balanced_cut_at_success_and_rarely_stall(collected):
    plan, (folder, _), tally = collected
    assert set(tally.demos) == set(plan.tasks)
    assert tally.demos.total() == plan.num_episodes
    assert max(tally.demos.values()) <= 3 * plan.num_episodes / len(plan.tasks)
    assert tally.stalled_fraction < 0.05
    data = LeRobotDataset(folder)
    assert data.action_spec == ACTION_SPEC
    assert data.observation_spec == observation_spec(16)
    assert data.provenance["seed"] == 3
    for episode in data:
        assert 0 < len(episode) <= MAX_STEPS
        assert episode.instruction in instructions(episode.task, "train")
        assert abs(episode.actions).max() <= 1
    assert {episode.info["scene"] for episode in data} == {"A", "D"}
