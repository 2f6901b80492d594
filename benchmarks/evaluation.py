"""Control steps a CPU-second of an evaluation on the tabletop, and what render, physics and policy take of them.

    python benchmarks/evaluation.py [--checkpoint DIR] [--executor chunk:4] [--chains 32] [--workers 1]

Without a checkpoint a random policy that asks for images every ``--look`` steps stands in: worlds without a network.
CPU-seconds count this process and its workers, from their start to their end.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LP_NUM_THREADS", "0")

import numpy as np

from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint
from robovlms.evaluation.tabletop import tabletop_benchmark, tabletop_protocol
from robovlms.policies.scripted import ScriptedPolicy, random_action
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec

BATCH = 16


class LookingPolicy(ScriptedPolicy):
    """Random actions; asks for images every ``every`` steps, as a policy that plays chunks does."""

    def __init__(self, every):
        super().__init__(random_action, ACTION_SPEC)
        self.every, self.steps = every, {}

    def start(self, episode, instruction, *, seed):
        super().start(episode, instruction, seed=seed)
        self.steps[episode] = 0

    def needs_observation(self, episode):
        return self.steps[episode] % self.every == 0

    def act(self, observations):
        for episode in observations:
            self.steps[episode] += 1
        return super().act(observations)


class Timed:
    """A policy whose ``act`` is timed."""

    def __init__(self, policy):
        self.policy, self.cpu_s, self.num_calls = policy, 0.0, 0
        self.start, self.instruct, self.stop = policy.start, policy.instruct, policy.stop
        self.needs_observation = policy.needs_observation

    def act(self, observations):
        begin = time.process_time()
        decisions = self.policy.act(observations)
        self.cpu_s += time.process_time() - begin
        self.num_calls += 1
        return decisions


def world_costs(num_steps=200):
    """CPU milliseconds of a control step's physics, of one look, and of changing the episode of a world."""
    world, rng = Tabletop("D", 64), np.random.default_rng(0)
    job = tabletop_benchmark(tabletop_protocol(num_chains=1)).jobs[0]
    world.reset(job.initial_state, job.seed)
    world.begin_task(job.tasks[0])
    physics = timed(lambda: world.step(rng.uniform(-1, 1, 7), render=False), num_steps)
    look = timed(lambda: world.restore(world.snapshot()), num_steps)
    change = timed(lambda: world.restore(world.snapshot(), render=False), num_steps)
    world.close()
    return {"physics": physics, "render": look - change, "change": change}


def timed(call, num):
    begin = time.process_time()
    for _ in range(num):
        call()
    return (time.process_time() - begin) / num * 1000


def policy_of(arguments):
    if arguments.checkpoint is None:
        return LookingPolicy(arguments.look)
    import torch

    from robovlms.policies.vla import VLA

    torch.set_num_threads(1)
    vla = VLA.from_pretrained(arguments.checkpoint)
    policy = vla.policy(arguments.executor, batch_size=BATCH)
    policy.bind(ACTION_SPEC, observation_spec(vla.image_spec.size))
    return policy


def cpu_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint")
    parser.add_argument("--executor", default="chunk:4")
    parser.add_argument("--look", type=int, default=4, help="steps between looks without a checkpoint")
    parser.add_argument("--tasks", default="fixtures_drawer")
    parser.add_argument("--chains", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    costs = world_costs()
    protocol = tabletop_protocol(
        tasks=arguments.tasks, num_chains=arguments.chains, executor=arguments.executor, batch=BATCH
    )
    policy = Timed(policy_of(arguments))
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), cpu_seconds()
        results = run(
            policy,
            tabletop_benchmark(protocol),
            checkpoint=Checkpoint("x", "x"),
            out=Path(folder) / "run",
            workers=arguments.workers,
        )
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    steps = sum(episode.num_steps for episode in results.episodes)
    print(
        f"one step: physics {costs['physics']:.2f} ms, a look {costs['render']:.2f} ms, change {costs['change']:.2f} ms"
    )
    print(f"policy: {policy.cpu_s / steps * 1000:.2f} ms a step, {policy.num_calls} calls")
    print(f"{steps} steps, average length {results.metrics['average_length'].value:.2f}")
    print(f"whole evaluation: {cpu:.1f} CPU-s, {wall:.1f} s wall, {cpu / steps * 1000:.2f} ms a step")
    print(f"{steps / cpu:.0f} control steps a CPU-second, {steps / wall:.0f} a second of wall clock")


if __name__ == "__main__":
    main()
