"""How fast an evaluation on the tabletop is: against one world at a time, by workers, and with every step drawn.

    python benchmarks/evaluation.py --checkpoint DIR [--executor chunk:6] [--chains 200] [--workers 1,2,3] [--rounds 3]
                                    [--dearer 50,100,200,400]

All ways play the same chains with the same policy, in turns, ``--rounds`` times; ratios are of medians of control steps
a second. ``single`` is one world and a batch of one in one process. What ``w`` workers on ``c`` cores should reach is
predicted from the run with one worker, whose worlds and policy took so many seconds a step, and the rest (starting,
passing images on) so many: max(world / w, policy, (world + policy) / c) + rest.

``--dearer`` adds runs whose network takes so many milliseconds more of a core each time that it runs. Each is told with
what its policy costs, in units of what its worlds do, and the idle share that this predicts.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LP_NUM_THREADS", "0")

import torch

from robovlms.core.protocols import Policy
from robovlms.core.types import Decision, Observation
from robovlms.evaluation.evaluate import TIMING, run
from robovlms.evaluation.results import Checkpoint
from robovlms.evaluation.tabletop import tabletop_benchmark, tabletop_protocol
from robovlms.policies.vla import VLA

BATCH = 16
CORES = len(os.sched_getaffinity(0))


class Wrapped:
    """A policy that is another one but for what a subclass changes."""

    def __init__(self, policy: Policy):
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)


class Drawn(Wrapped):
    """Asks for images at every step, needed or not."""

    def needs_observation(self, episode: str) -> bool:
        return True

    def planned(self, episode: str) -> None:
        """Nothing is decided before it was looked at."""


class Dearer(Wrapped):
    """Its network takes ``more_ms`` milliseconds more of a core, each time that it runs."""

    def __init__(self, policy: Policy, more_ms: float):
        super().__init__(policy)
        self._more_s = more_ms / 1000

    def act(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        until = time.thread_time() + self._more_s * any(map(self._policy.needs_observation, observations))
        while time.thread_time() < until:
            pass
        return self._policy.act(observations)


def play(
    given: argparse.Namespace, vla: VLA, workers: int, batch: int = BATCH, drawn: bool = False, more_ms: float = 0
) -> dict[str, Any]:
    """``timing.json`` of an evaluation."""
    protocol = tabletop_protocol(tasks=given.tasks, num_chains=given.chains, executor=given.executor, batch=batch)
    policy = Dearer(vla.policy(given.executor, batch_size=batch), more_ms)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        checkpoint = Checkpoint(str(given.checkpoint), "")
        run(Drawn(policy) if drawn else policy, tabletop_benchmark(protocol), checkpoint=checkpoint, out=out,
            workers=workers)  # fmt: skip
        return json.loads((out / TIMING).read_text())


def ways(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Arguments of ``play`` for each way."""
    most = given.workers[-1]
    side_by_side = {f"{number} workers": {"workers": number} for number in given.workers}
    dearer = {
        dearer_name(number, more): {"workers": number, "more_ms": more}
        for more in given.dearer
        for number in sorted({1, most})
    }
    drawn = {"all drawn": {"workers": most, "drawn": True}}
    return {"single": {"workers": 0, "batch": 1}, **side_by_side, **drawn, **dearer}


def dearer_name(workers: int, more_ms: float) -> str:
    return f"{workers} workers, {more_ms:g} ms dearer"


def measured(given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    vla = VLA.from_pretrained(given.checkpoint).for_acting("cpu")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways(given)}
    for number in range(given.rounds):
        for name, way in ways(given).items():
            found[name].append(play(given, vla, **way))
            print(f"round {number + 1}: {name}: {found[name][-1]['steps_per_s']:.0f} steps/s", flush=True)
    return found


def report(given: argparse.Namespace, found: dict[str, list[dict[str, Any]]]) -> None:
    speed = {name: statistics.median(map(speed_of, runs)) for name, runs in found.items()}
    for number in given.workers:
        name = f"{number} workers"
        idle = statistics.median(one["shares"]["policy"]["idle"] for one in found[name])
        predicted = 1 / statistics.median(seconds_a_step(one, number) for one in found["1 workers"])
        print(f"{name}: {speed[name] / speed['single']:.2f}x single, policy idle {idle:.0%}; "
              f"{speed[name]:.0f} steps/s, predicted {predicted:.0f}")  # fmt: skip
    most = speed[f"{given.workers[-1]} workers"]
    print(f"looking only when a plan is due: {most / speed['all drawn']:.2f}x of drawing every step")
    for more in given.dearer:
        report_dearer(more, found[dearer_name(1, more)], found[dearer_name(given.workers[-1], more)], given.workers[-1])


def report_dearer(more_ms: float, alone: list[dict[str, Any]], runs: list[dict[str, Any]], workers: int) -> None:
    cost = statistics.median(policy / world for world, policy in map(world_and_policy, alone))
    predicted = statistics.median(1 - world_and_policy(one)[1] / seconds_a_step(one, workers) for one in alone)
    idle = statistics.median(one["shares"]["policy"]["idle"] for one in runs)
    print(f"{more_ms:g} ms dearer, {workers} workers: the policy costs {cost:.2f} of its worlds; "
          f"idle {idle:.0%}, predicted {predicted:.0%}")  # fmt: skip


def seconds_a_step(alone: dict[str, Any], workers: int) -> float:
    """What a step should take so many workers, from ``timing.json`` of one."""
    world, policy = world_and_policy(alone)
    rest = 1 / speed_of(alone) - max(world, policy)
    return max(world / workers, policy, (world + policy) / CORES) + rest


def world_and_policy(alone: dict[str, Any]) -> tuple[float, float]:
    """Seconds a control step of each, from ``timing.json`` of one worker."""
    step, shares = 1 / speed_of(alone), alone["shares"]
    return step * (1 - shares["worlds"]["idle"]), step * shares["policy"]["busy"]


def speed_of(timing: dict[str, Any]) -> float:
    return timing["steps_per_s"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--executor", default="chunk:6")
    parser.add_argument("--tasks", default="fixtures_drawer")
    parser.add_argument("--chains", type=int, default=200)
    parser.add_argument("--workers", type=lambda text: sorted({1, *map(int, text.split(","))}), default=[1, 2, 3])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dearer", type=lambda text: [float(one) for one in text.split(",")], default=[])
    given = parser.parse_args()
    torch.set_num_threads(1)
    report(given, measured(given))


if __name__ == "__main__":
    main()
