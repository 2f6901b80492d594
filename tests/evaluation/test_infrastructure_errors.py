"""A world that crashes, raises, hangs or answers nonsense says nothing of the policy: retried, counted apart."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_evaluate import evaluate
from toy_policy import CHECKPOINT, ToyPolicy, toy_factory, toy_jobs, toy_protocol
from toy_world import FAULTS, ToyWorld

from robovlms.core.errors import UserError
from robovlms.evaluation.episode import Rules
from robovlms.evaluation.evaluate import Benchmark, run
from robovlms.evaluation.host import Act, LocalWorkers, Look
from robovlms.evaluation.results import load
from robovlms.evaluation.rollout import MAX_TRIES
from robovlms.evaluation.sanity import BrokenWorld
from robovlms.evaluation.workers import ProcessWorkers
from robovlms.launchers.find import find_launcher

SAID = {
    "crash": "died",
    "raise": "the simulator is unstable",
    "hang": "no answer within 8 s",
    "nan": "state is not finite",
    "undecided": "says nan of success",
}
NUM, SICK = 9, 8  # one that begins when another has ended, so that something can be played
RULES = Rules(max_steps=25, instruction_split="validation")


def kinds(*quick):
    """All kinds of faults; but for the quick ones they are long checks."""
    return [pytest.param(kind, marks=[] if kind in quick else pytest.mark.slow) for kind in FAULTS]


def play(fault, num_faults, out, workers=1, **settings):
    """An evaluation in which the world of one episode breaks down so many times."""
    counter = out.with_suffix(".faults")
    counter.write_text(str(num_faults))
    jobs, world = toy_jobs(NUM), ToyWorld()
    jobs[SICK] = toy_jobs(NUM, tasks=[fault])[SICK]
    benchmark = Benchmark(
        toy_protocol(NUM), tuple(jobs), toy_factory(fault_file=str(counter)), world.action_spec, world.observation_spec
    )
    launch = find_launcher("local", reply_timeout_s=8.0)
    return run(ToyPolicy(), benchmark, checkpoint=CHECKPOINT, out=out, workers=workers, launch=launch, **settings)


def timing(folder):
    return json.loads((folder / "timing.json").read_text())


@pytest.mark.parametrize("fault", kinds("crash", "nan"))
def test_a_fault_that_passes_changes_nothing(tmp_path, fault):
    play(fault, 0, tmp_path / "sound", workers=0)
    play(fault, MAX_TRIES - 1, tmp_path / "shaky")
    one, other = ((tmp_path / name / "results.json").read_bytes() for name in ("sound", "shaky"))
    assert one == other
    assert timing(tmp_path / "sound")["world_faults"] == 0
    assert timing(tmp_path / "shaky")["world_faults"] == MAX_TRIES - 1


class Killing(ToyPolicy):
    """Kills the only worker in its third plan, when all worlds have answered and none is played."""

    pool: ProcessWorkers
    num_plans = 0

    def launch(self, *what):
        self.pool = ProcessWorkers(*what)
        return self.pool

    def act(self, observations):
        self.num_plans += 1
        if self.num_plans == 3:
            os.kill(self.pool.process_ids[0], signal.SIGKILL)
        return super().act(observations)


def test_a_worker_that_dies_while_it_plays_nothing_is_counted_apart(tmp_path):
    sound = evaluate(tmp_path / "sound", num=5)
    policy = Killing()
    assert evaluate(tmp_path / "killed", num=5, policy=policy, workers=1, launch=policy.launch) == sound
    assert timing(tmp_path / "sound")["idle_deaths"] == 0
    assert timing(tmp_path / "killed")["idle_deaths"] == 1
    assert timing(tmp_path / "killed")["world_faults"] == 0


def test_a_worker_that_plays_one_long_plan_after_another_does_not_hang():
    """However many episodes it holds: the timeout is for what one of them plays."""
    jobs, plan = toy_jobs(6, tasks=["slow"]), Act((np.zeros(2),) * 25, render=False)
    pool = ProcessWorkers(toy_factory(), Rules(max_steps=100, instruction_split="validation"), 1)
    try:
        pool.send(dict(enumerate(jobs)))
        pool.collect(range(6))
        pool._reply_timeout_s = 2.0  # for worlds that are made; six plans take 3 s
        pool.send(dict.fromkeys(range(6), plan))
        turns = pool.collect(range(6))
    finally:
        pool.close()
    assert [turns[slot].num_steps for slot in range(6)] == [25] * 6


@pytest.mark.parametrize("fault", kinds("hang", "undecided"))
def test_a_fault_that_stays_is_counted_apart_until_it_is_gone(tmp_path, fault, monkeypatch):
    monkeypatch.setattr("robovlms.evaluation.rollout.MAX_TRIES", 1)
    sound = play(fault, 0, tmp_path / "sound", workers=0)
    results = play(fault, 1, tmp_path / "broken")
    sick = results.episodes[SICK]
    assert (sick.status, sick.tasks) == ("infrastructure_error", ())
    assert SAID[fault] in sick.error
    assert results.num_infrastructure_errors == 1
    assert {metric.n for metric in results.metrics.values()} == {NUM - 1}
    assert [e for e in results.episodes if e != sick] == [e for e in sound.episodes if e.id != sick.id]
    assert load(tmp_path / "broken") == results
    assert play(fault, 0, tmp_path / "broken", workers=0, resume=True) == sound


def test_in_this_process_a_fault_is_shown(tmp_path):
    for fault, error in (("raise", RuntimeError), ("nan", BrokenWorld), ("undecided", BrokenWorld)):
        with pytest.raises(error, match=SAID[fault]):
            play(fault, 1, tmp_path / fault, workers=0)


class Blind(ToyWorld):
    """Says something else when it is asked to look."""

    def _observe(self, render):
        seen = super()._observe(render)
        return replace(seen, state=np.full(1, np.nan, np.float32)) if render == self.when else seen


@pytest.mark.parametrize("looking", [False, True])
def test_the_first_observation_is_looked_at_too(looking, monkeypatch):
    monkeypatch.setattr(Blind, "when", looking, raising=False)
    monkeypatch.setattr("toy_world.ToyWorld", Blind)
    workers = LocalWorkers(toy_factory(), RULES)
    if looking:
        workers.send({0: toy_jobs(1)[0]})
    with pytest.raises(BrokenWorld, match="not finite"):
        workers.send({0: Look() if looking else toy_jobs(1)[0]})


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("inf"), float("nan")])
def test_a_watchdog_needs_a_time(timeout):
    with pytest.raises(UserError, match="reply timeout"):
        find_launcher("local", timeout)


HANGING = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
import numpy as np
from toy_world import ToyWorld
from robovlms.evaluation.episode import Job, Rules, WorldFactory
from robovlms.evaluation.host import Act
from robovlms.evaluation.workers import ProcessWorkers

if __name__ == "__main__":
    faults = {folder!r} + "/faults"
    pool = ProcessWorkers(WorldFactory("toy_world:ToyWorld", dict(fault_file=faults)), Rules(25, "validation"), 1)
    pool.send({{0: Job("hanging", dict(x=0.0), 0, ("hang",))}})
    pool.collect({{0}})
    pool.send({{0: Act((np.zeros(2),), render=False)}})
    Path({folder!r}, "worker").write_text(str(pool.process_ids[0]))
    time.sleep(60)
"""


def test_a_world_that_hangs_ends_with_its_evaluation(tmp_path):
    """kill -9 of the evaluation tells a worker nothing that never reads its pipe again."""
    (tmp_path / "faults").write_text("1")
    (tmp_path / "main.py").write_text(HANGING.format(here=str(Path(__file__).parent), folder=str(tmp_path)))
    child = subprocess.Popen([sys.executable, tmp_path / "main.py"])
    while not (tmp_path / "worker").is_file() or (tmp_path / "faults").read_text() != "0":
        assert child.poll() is None
        time.sleep(0.05)
    worker = Path(f"/proc/{(tmp_path / 'worker').read_text()}")
    assert worker.exists()
    child.kill()
    child.wait()
    deadline = time.monotonic() + 10
    while worker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.exists()
