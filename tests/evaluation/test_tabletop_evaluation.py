"""The tabletop benchmark: the real world in worker processes, the same episodes for any number of them."""

import json

import numpy as np
import pytest
import torch
from toy_policy import Traced

from robovlms.actions.spec import ActionSpec
from robovlms.core.errors import SpecMismatch, UserError
from robovlms.core.types import Decision
from robovlms.evaluation.benchmarks import BENCHMARKS, Options, open_benchmark
from robovlms.evaluation.comparison import compare
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint, load
from robovlms.evaluation.tabletop import tabletop_benchmark, tabletop_protocol
from robovlms.policies.executors import parse_executor
from robovlms.policies.scripted import scripted_baseline
from robovlms.worlds.tabletop.chains import chains
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, WORLD_VERSION
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.tasks import FIXTURES_DRAWER

RANDOM = Checkpoint(path="baseline:random", digest="random")


def short(num_chains, max_steps=40, **settings):
    protocol = tabletop_protocol(tasks="fixtures_drawer", num_chains=num_chains, batch=4, **settings)
    return protocol.model_copy(update={"max_steps": max_steps})


def test_protocol_names_the_chains():
    protocol = tabletop_protocol(tasks="fixtures_drawer", num_chains=3, executor="chunk:5")
    assert protocol.tasks == FIXTURES_DRAWER
    assert [job.id for job in tabletop_benchmark(protocol).jobs] == [chain.id for chain in chains(3, FIXTURES_DRAWER)]
    assert (protocol.max_steps, protocol.chain_length, protocol.instruction_split) == (120, 5, "validation")
    with pytest.raises(UserError, match="Build the protocol again"):
        tabletop_benchmark(protocol.model_copy(update={"chain_digest": "other"}))


def test_another_version_of_the_world_is_another_protocol(tmp_path, monkeypatch):
    protocol = short(1)
    assert protocol.world_version == WORLD_VERSION
    policy = scripted_baseline("zero", ACTION_SPEC)
    run(policy, tabletop_benchmark(protocol), checkpoint=RANDOM, out=tmp_path, workers=0)
    monkeypatch.setattr("robovlms.evaluation.tabletop.WORLD_VERSION", WORLD_VERSION + 1)
    newer = short(1)
    assert newer.digest() != protocol.digest()
    assert newer.model_copy(update={"world_version": WORLD_VERSION}) == protocol
    with pytest.raises(UserError, match=f"has version {WORLD_VERSION}, this one has version {WORLD_VERSION + 1}"):
        tabletop_benchmark(protocol)
    with pytest.raises(UserError, match=f"world_version: the folder has {WORLD_VERSION}, now {WORLD_VERSION + 1}"):
        run(policy, tabletop_benchmark(newer), checkpoint=RANDOM, out=tmp_path, workers=0, resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scene": "E"}, "scene 'E'"),
        ({"setting": "unseen_objects"}, "Did you mean 'unseen_object'"),
        ({"tasks": "open_drawr"}, "Did you mean 'open_drawer'"),
        ({"executor": "chunk"}, "xecutor"),
        ({"num_chains": 0}, "got 0, expected 1 to 10000"),
        ({"num_chains": 10**9}, "expected 1 to 10000"),
        ({"instruction_split": "test"}, "instruction_split"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(UserError, match=message):
        tabletop_protocol(**{"num_chains": 1, **settings})


def test_a_setting_is_a_protocol_of_its_own_on_the_same_chains(tmp_path):
    plain, new = (short(2, setting=setting) for setting in ("simple", "novel_skill_description"))
    assert plain == short(2)
    assert new.digest() != plain.digest()
    assert new.chain_digest == plain.chain_digest
    played = []
    for protocol in (plain, new):
        out = tmp_path / protocol.setting
        policy = scripted_baseline("zero", ACTION_SPEC)
        played.append(run(policy, tabletop_benchmark(protocol), checkpoint=RANDOM, out=out, workers=0))
    found = compare(*played)
    assert (found.num_pairs, found.settings["setting"]) == (2, ("simple", "novel_skill_description"))
    task = played[1].episodes[0].tasks[0]
    assert task.instruction in instructions(task.task, "novel")


def test_a_setting_reaches_the_world_and_a_benchmark_without_settings_refuses_it(monkeypatch):
    opened = open_benchmark("tabletop", Options(setting="unseen_distractor", episodes=1))
    assert opened.worlds().simulation.distractors
    monkeypatch.setitem(BENCHMARKS, "plain", f"{__name__}:open_plain")
    with pytest.raises(UserError, match="plain has one setting, simple"):
        open_benchmark("plain", Options(setting="unseen_object"))


def open_plain(options):
    return open_benchmark("tabletop", Options(episodes=1))


def test_random_actions_score_alike_for_any_number_of_workers(tmp_path):
    protocol, files, traces = short(6), [], []
    for workers in (0, 1, 2):
        out = tmp_path / str(workers)
        policy = Traced(scripted_baseline("random", ACTION_SPEC))
        run(policy, tabletop_benchmark(protocol), checkpoint=RANDOM, out=out, workers=workers)
        files.append((out / "results.json").read_bytes())
        traces.append(policy.trace)
    assert traces[0] == traces[1] == traces[2]
    assert files[0] == files[1] == files[2]
    results = load(tmp_path / "0")
    assert results.num_infrastructure_errors == 0
    assert results.metrics["average_length"].n == 6
    assert json.loads(files[0])["episodes"][0]["initial_state"]["drawer"] in ("open", "closed")


def test_another_action_convention_is_refused_before_anything_is_written(tmp_path):
    other = ACTION_SPEC.model_copy(update={"rate_hz": 30.0})
    assert isinstance(other, ActionSpec)
    with pytest.raises(SpecMismatch, match="rate_hz: 30 against 10"):
        run(scripted_baseline("zero", other), tabletop_benchmark(short(1)), checkpoint=RANDOM, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Convolution:
    """A small network on both cameras, in a padded batch, replanning every four steps."""

    def __init__(self, batch):
        torch.manual_seed(0)
        self.batch, self.executor = batch, parse_executor("chunk:4")
        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(6, 8, 8, 4), torch.nn.GELU(), torch.nn.Flatten(), torch.nn.Linear(8 * 15 * 15, 4 * 7)
        )

    def start(self, episode, instruction, *, seed):
        self.executor.reset(episode)

    def instruct(self, episode, instruction):
        self.executor.instruct(episode)

    def stop(self, episode):
        self.executor.reset(episode)

    def needs_observation(self, episode):
        return self.executor.due(episode)

    @torch.no_grad()
    def act(self, observations):
        due = [episode for episode in observations if self.executor.due(episode)]
        if due:
            rows = torch.zeros(self.batch, 6, 64, 64)
            for row, episode in enumerate(due):
                images = observations[episode].images
                pixels = np.concatenate([images["static"], images["wrist"]], axis=2)
                rows[row] = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)
            for episode, plan in zip(due, self.net(rows).numpy().reshape(-1, 4, 7), strict=False):
                self.executor.push(episode, np.tanh(8 * plan))
        return {episode: Decision(self.executor.next(episode)) for episode in observations}


@pytest.mark.render
def test_a_seeing_policy_sees_and_does_the_same_for_any_number_of_workers(tmp_path):
    traces, benchmark = [], tabletop_benchmark(short(9, 16))
    for workers in (0, 1, 2):
        policy, out = Traced(Convolution(4)), tmp_path / str(workers)
        run(policy, benchmark, checkpoint=Checkpoint("c", "c"), out=out, workers=workers, video=1)
        traces.append(policy.trace)
        assert (out / "videos" / "tabletop-0000.mp4").stat().st_size > 5000
    assert traces[0] == traces[1] == traces[2]
    assert len(traces[0]) == 9
