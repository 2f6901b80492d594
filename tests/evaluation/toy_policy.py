"""A small torch policy with chunks, padded to a fixed batch, as the real one is; and what tests need around it."""

import hashlib

import numpy as np
import torch
from toy_world import ToyWorld

from robovlms.core.types import Decision
from robovlms.evaluation.episode import Job, WorldFactory
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint
from robovlms.policies.executors import parse_executor

CHECKPOINT = Checkpoint(path="toy", digest="toy-1")


class ToyPolicy:
    """Walks towards its instruction, wobbling with the image and its own noise; sometimes it walks astray."""

    def __init__(self, executor="chunk:3", batch=4):
        self.executor, self.batch = parse_executor(executor), batch
        self.words, self.generators, self.fills = {}, {}, []
        generator = torch.Generator().manual_seed(0)
        self.net = torch.nn.Sequential(torch.nn.Linear(195, 64), torch.nn.GELU(), torch.nn.Linear(64, 8))
        for parameter in self.net.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.05

    def start(self, episode, instruction, *, seed):
        assert episode not in self.words
        self.generators[episode] = np.random.default_rng(seed)
        self.executor.reset(episode)
        self.words[episode] = instruction

    def instruct(self, episode, instruction):
        self.executor.instruct(episode)
        self.words[episode] = instruction

    def needs_observation(self, episode):
        return self.executor.due(episode)

    def act(self, observations):
        assert len(observations) <= self.batch
        due = [episode for episode in observations if self.executor.due(episode)]
        if due:
            self._plan({episode: observations[episode] for episode in due})
        return {episode: Decision(self.executor.next(episode)) for episode in observations}

    def stop(self, episode):
        del self.words[episode], self.generators[episode]
        self.executor.reset(episode)

    @torch.no_grad()
    def _plan(self, observations):
        self.fills.append(len(observations))
        rows = torch.zeros(self.batch, 195)
        for row, (episode, seen) in enumerate(observations.items()):
            image = torch.from_numpy(seen.images["only"].astype(np.float32) / 255).flatten()
            sign = 1.0 if "right" in self.words[episode] else -1.0
            noise = self.generators[episode].normal()
            rows[row] = torch.cat([image, torch.tensor([sign, noise, float(seen.state[0])])])
        wobble = self.net(rows).numpy().reshape(self.batch, 4, 2)
        for row, episode in enumerate(observations):
            self.executor.push(episode, wobble[row] + float(0.2 * rows[row, 192] + 0.5 * rows[row, 193]))


class PlanningToyPolicy(ToyPolicy):
    """The same, and says what it has decided already."""

    def planned(self, episode):
        return None if self.executor.due(episode) else Decision(self.executor.next(episode))


class Traced:
    """Wraps a policy and keeps a digest of every byte an episode saw and did; a retried episode begins anew."""

    def __init__(self, policy):
        self.policy, self.digests = policy, {}
        self.instruct, self.needs_observation, self.stop = policy.instruct, policy.needs_observation, policy.stop

    def start(self, episode, instruction, *, seed):
        self.digests[episode] = hashlib.sha256(f"{instruction} {seed}".encode())
        self.policy.start(episode, instruction, seed=seed)

    def act(self, observations):
        decisions = self.policy.act(observations)
        for episode, seen in observations.items():
            for array in (seen.state, *seen.images.values(), decisions[episode].action):
                self.digests[episode].update(np.ascontiguousarray(array))
        return decisions

    @property
    def trace(self):
        return {episode: digest.hexdigest() for episode, digest in self.digests.items()}


def toy_jobs(num, tasks=("left", "right", "left", "right", "left")):
    return [Job(f"toy-{i:03d}", {"x": float(i % 5)}, seed=1000 + i, tasks=tuple(tasks)) for i in range(num)]


def toy_protocol(num, **changes):
    settings = {"num_chains": num, "chain_length": 5, "batch": 4, "max_steps": 25, "executor": "chunk:3", **changes}
    return Protocol(benchmark="toy", scene="A", tasks=("left", "right"), chain_digest="toy", **settings)


def toy_benchmark(protocol, jobs):
    world = ToyWorld()
    return Benchmark(protocol, tuple(jobs), toy_factory(), world.action_spec, world.observation_spec)


def toy_factory(**kwargs):
    return WorldFactory("toy_world:ToyWorld", kwargs)
