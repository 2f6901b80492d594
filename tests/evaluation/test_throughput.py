"""Where the time goes is measured in the worlds and in the policy, and adds up."""

import json
import time

import numpy as np
import pytest
from test_evaluate import evaluate
from test_tabletop_evaluation import short
from toy_policy import CHECKPOINT, ToyPolicy, toy_protocol
from toy_world import ToyWorld

from robovlms.evaluation.evaluate import run
from robovlms.evaluation.tabletop import tabletop_benchmark
from robovlms.evaluation.throughput import Spent, TellsRenderTime
from robovlms.policies.scripted import ScriptedPolicy, random_action, scripted_baseline
from robovlms.worlds.tabletop import ACTION_SPEC, Tabletop


def test_shares_by_hand():
    spent = Spent(policy_s=3.0)
    spent.worlds(4.0, 1.0)
    spent.worlds(2.0, 0.5)
    shares = spent.shares(wall_s=10.0, num_worlds=2)
    assert shares["worlds"] == {"simulator": 0.225, "render": 0.075, "idle": 0.7}
    assert shares["policy"] == {"busy": 0.3, "idle": 0.7}


def test_a_world_that_does_not_tell_has_its_drawing_in_the_simulator():
    spent = Spent()
    spent.worlds(4.0, None)
    assert spent.shares(10.0, 1)["worlds"] == {"simulator": 0.4, "render": None, "idle": 0.6}
    assert not isinstance(ToyWorld(), TellsRenderTime)


class Thinking(ToyPolicy):
    def act(self, observations):
        time.sleep(0.01)
        return super().act(observations)


class Drawing(ToyWorld):
    """Takes 2 ms to draw and 4 to move."""

    render_s = 0.0

    def step(self, action, render=True):
        time.sleep(0.004)
        return super().step(action, render)

    def _observe(self, render):
        began = time.perf_counter()
        time.sleep(0.002 * render)
        self.render_s += time.perf_counter() - began
        return super()._observe(render)


def test_shares_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr("toy_world.ToyWorld", Drawing)
    began = time.perf_counter()
    evaluate(tmp_path / "run", num=4, policy=Thinking(executor="first"), protocol=toy_protocol(4, executor="first"))
    whole_s = time.perf_counter() - began
    timing = json.loads((tmp_path / "run" / "timing.json").read_text())
    steps, shares = timing["control_steps"], timing["shares"]
    assert timing["steps_per_s"] == pytest.approx(steps / timing["wall_s"], rel=0.02)
    assert timing["episodes_per_h"] == pytest.approx(3600 * 4 / timing["wall_s"], rel=0.02)
    assert timing["wall_s"] <= whole_s
    # sleeps are lower bounds, also on a busy machine
    assert shares["worlds"]["render"] * timing["wall_s"] >= 0.95 * steps * 0.002
    assert shares["worlds"]["simulator"] * timing["wall_s"] >= 0.95 * steps * 0.004
    assert shares["policy"]["busy"] * timing["wall_s"] >= 0.95 * steps / 4 * 0.01
    for side in shares.values():
        assert sum(side.values()) == pytest.approx(1.0, abs=0.002)
    # the worlds play in this thread: what they take, the policy waits for
    assert sum(side[name] for side in shares.values() for name in side if name != "idle") <= 1.002


@pytest.mark.render
def test_the_tabletop_tells_what_drawing_takes():
    world = Tabletop("D", 64)
    assert isinstance(world, TellsRenderTime)
    job = tabletop_benchmark(short(1)).jobs[0]
    world.reset(job.initial_state, job.seed, render=False)
    world.step(np.zeros(7), render=False)
    assert world.render_s == 0.0
    began = time.perf_counter()
    world.observe()
    first = world.render_s
    assert 0 < first <= time.perf_counter() - began
    world.observe()
    assert world.render_s > first
    world.close()


class Looking(ScriptedPolicy):
    """Random actions, with an image at every step."""

    def needs_observation(self, episode):
        return True


@pytest.mark.render
def test_workers_tell_what_looking_costs(tmp_path):
    rendered = []
    for policy in (scripted_baseline("random", ACTION_SPEC), Looking(random_action, ACTION_SPEC)):
        out = tmp_path / type(policy).__name__
        run(policy, tabletop_benchmark(short(2, 10)), checkpoint=CHECKPOINT, out=out, workers=1)
        rendered.append(json.loads((out / "timing.json").read_text())["shares"]["worlds"]["render"])
    assert rendered[0] == 0.0 < rendered[1]
