"""How fast an evaluation on the tabletop is: against one world at a time, by workers, and with every step drawn.

    python benchmarks/evaluation.py --checkpoint DIR [--executor chunk:6] [--chains 200] [--workers 1,2] [--rounds 3]

All ways play the same chains with the same policy, in turns, ``--rounds`` times; ratios are of medians of control steps
a second. ``single`` is one world and a batch of one in one process. The prediction for ``w`` workers on ``c`` cores is
the slowest of the worlds, the policy and the cores, from costs measured first: per control step, one over
max(world / w, policy, (world + policy) / c).
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LP_NUM_THREADS", "0")

import numpy as np
import torch

from robovlms.core.protocols import Policy
from robovlms.evaluation.evaluate import TIMING, run
from robovlms.evaluation.results import Checkpoint
from robovlms.evaluation.tabletop import tabletop_benchmark, tabletop_protocol
from robovlms.policies.vla import VLA
from robovlms.worlds.tabletop import Tabletop

BATCH = 16


class Drawn:
    """A policy that asks for images at every step, needed or not."""

    def __init__(self, policy: Policy):
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def needs_observation(self, episode: str) -> bool:
        return True


class Timed:
    """A policy whose ``act`` is timed."""

    def __init__(self, policy: Policy):
        self._policy, self.seconds = policy, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)

    def act(self, observations: Any) -> Any:
        begin = time.perf_counter()
        decisions = self._policy.act(observations)
        self.seconds += time.perf_counter() - begin
        return decisions


def world_costs(num_steps: int = 200) -> dict[str, float]:
    """Seconds of a control step's physics, of one look, and of changing the episode of a world."""
    world, rng = Tabletop("D", 64), np.random.default_rng(0)
    job = tabletop_benchmark(tabletop_protocol(num_chains=1)).jobs[0]
    world.reset(job.initial_state, job.seed)
    world.begin_task(job.tasks[0])
    physics = cost(lambda: world.step(rng.uniform(-1, 1, 7), render=False), num_steps)
    look = cost(lambda: world.restore(world.snapshot()), num_steps)
    change = cost(lambda: world.restore(world.snapshot(), render=False), num_steps)
    world.close()
    return {"physics": physics, "look": look - change, "change": change}


def cost(call: Callable[[], object], num: int) -> float:
    begin = time.perf_counter()
    for _ in range(num):
        call()
    return (time.perf_counter() - begin) / num


def play(given: argparse.Namespace, vla: VLA, workers: int, batch: int = BATCH, drawn: bool = False) -> dict[str, Any]:
    """``timing.json`` of an evaluation, with the seconds of the policy for each step."""
    protocol = tabletop_protocol(tasks=given.tasks, num_chains=given.chains, executor=given.executor, batch=batch)
    policy = Timed(vla.policy(given.executor, batch_size=batch))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        checkpoint = Checkpoint(str(given.checkpoint), "")
        run(Drawn(policy) if drawn else policy, tabletop_benchmark(protocol), checkpoint=checkpoint, out=out,
            workers=workers)  # fmt: skip
        timing = json.loads((out / TIMING).read_text())
    return timing | {"policy_s": policy.seconds / timing["control_steps"]}


def ways(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Arguments of ``play`` for each way."""
    most = given.workers[-1]
    side_by_side = {f"{number} workers": {"workers": number} for number in given.workers}
    return {"single": {"workers": 0, "batch": 1}, **side_by_side, "all drawn": {"workers": most, "drawn": True}}


def measured(given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    vla = VLA.from_pretrained(given.checkpoint).for_acting("cpu")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways(given)}
    for number in range(given.rounds):
        for name, way in ways(given).items():
            found[name].append(play(given, vla, **way))
            print(f"round {number + 1}: {name}: {found[name][-1]['steps_per_s']:.0f} steps/s", flush=True)
    return found


def report(given: argparse.Namespace, found: dict[str, list[dict[str, Any]]], costs: dict[str, float]) -> None:
    speed = {name: statistics.median(one["steps_per_s"] for one in runs) for name, runs in found.items()}
    look_every = int(given.executor.partition(":")[2].partition("@")[0] or 1)
    world = costs["physics"] + costs["change"] + costs["look"] / look_every
    print(
        f"world {world * 1000:.2f} ms a step; physics {costs['physics'] * 1000:.2f}, a look {costs['look'] * 1000:.2f}"
    )
    cores = len(os.sched_getaffinity(0))
    for number in given.workers:
        runs = found[f"{number} workers"]
        policy = statistics.median(one["policy_s"] for one in runs)
        idle = statistics.median(one["shares"]["policy"]["idle"] for one in runs)
        predicted = 1 / max(world / number, policy, (world + policy) / cores)
        print(f"{number} workers: {speed[f'{number} workers'] / speed['single']:.2f}x single, policy idle {idle:.0%}; "
              f"{speed[f'{number} workers']:.0f} steps/s, predicted {predicted:.0f}")  # fmt: skip
    most = speed[f"{given.workers[-1]} workers"]
    print(f"looking only when a plan is due: {most / speed['all drawn']:.2f}x of drawing every step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--executor", default="chunk:6")
    parser.add_argument("--tasks", default="fixtures_drawer")
    parser.add_argument("--chains", type=int, default=200)
    parser.add_argument("--workers", type=lambda text: sorted(map(int, text.split(","))), default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    report(given, measured(given), world_costs())


if __name__ == "__main__":
    main()
