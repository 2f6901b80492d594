"""Measure the experts: success over random resets for every task, printed as a table.

    python -m robovlms.worlds.tabletop.expert_table --resets 100 --processes 2

Resets cycle through scenes A, B, C and D; reset ``i`` of a task is the same whatever the number of processes. A reset
in which the task cannot begin (a block with no room to be pushed) is replaced by the next one.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context

import numpy as np

from robovlms.core.protocols import SIMPLE
from robovlms.statistics.intervals import wilson
from robovlms.worlds.tabletop.chains import MAX_STEPS, random_initial_state
from robovlms.worlds.tabletop.env import Tabletop
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.scenes import SCENES
from robovlms.worlds.tabletop.settings import SETTINGS
from robovlms.worlds.tabletop.tasks import TASKS, feasible, task_set

STALLED_ACTION, STALLED_M = 0.3, 0.004
"""A frame is stalled when the tool was asked to move by more than this but moved by less."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of an expert: whether it succeeded, its control steps, and how many of them were stalled."""

    success: bool
    steps: int
    stalled: int


def attempt(world: Tabletop, task: str) -> Attempt:
    """Run the expert of a task from the present state until success, its end, or the step budget."""
    world.begin_task(task)
    steps = stalled = 0
    for action in expert(world, task):
        before = world.simulation.pose[:3]
        success = world.step(action, render=False).success
        steps += 1
        still = np.linalg.norm(world.simulation.pose[:3] - before) < STALLED_M
        stalled += bool(still and np.abs(action[:3]).max() > STALLED_ACTION)
        if success or steps == MAX_STEPS:
            return Attempt(success, steps, stalled)
    return Attempt(False, steps, stalled)


def prepare(world: Tabletop, task: str, seed: int) -> None:
    """Reset to a random state from which ``task`` can begin; for ``unstack_block`` by stacking first."""
    for trial in range(50):
        rng = np.random.default_rng([TASKS.index(task), seed, trial])
        world.reset(random_initial_state(rng, task), int(rng.integers(2**31)), render=False)
        if task == "unstack_block":
            attempt(world, "stack_block")
        if feasible(task, world.state()):
            return
    raise AssertionError(f"no feasible reset for {task}")


@cache
def _world(scene: str, setting: str) -> Tabletop:
    return Tabletop(scene, setting=setting)


def measure(task: str, resets: int, setting: str = SIMPLE) -> list[Attempt]:
    """Attempts of one task over ``resets`` random resets of a setting."""
    attempts = []
    for seed in range(resets):
        world = _world(sorted(SCENES)[seed % len(SCENES)], setting)
        prepare(world, task, seed)
        attempts.append(attempt(world, task))
    return attempts


def table(tasks: tuple[str, ...], resets: int, processes: int, setting: str = SIMPLE) -> Iterator[str]:
    """Lines of the table, each as soon as it is known."""
    started, everything = time.perf_counter(), []
    yield f"{'task':24} {'success':>9} {'rate':>6}  {'95 % interval':>14} {'steps':>6} {'longest':>7} {'stalled':>8}"
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = pool.map(partial(measure, resets=resets, setting=setting), tasks)
        for task, attempts in zip(tasks, found, strict=True):
            everything += attempts
            yield _row(task, attempts)
    yield _row("all", everything)
    frames = sum(one.steps for one in everything)
    yield f"{frames} control steps in {time.perf_counter() - started:.0f} s with {processes} processes"


def _row(name: str, attempts: list[Attempt]) -> str:
    good = [one.steps for one in attempts if one.success]
    rate = wilson(len(good), len(attempts))
    stalled = sum(one.stalled for one in attempts) / max(1, sum(one.steps for one in attempts))
    return (
        f"{name:24} {len(good):>4}/{len(attempts):<4} {rate.value:>6.1%}  {rate.low:>6.1%}-{rate.high:>6.1%} "
        f"{np.mean(good) if good else 0:>6.1f} {max(good, default=0):>7} {stalled:>8.2%}"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Success of the scripted experts over random resets.")
    parser.add_argument("--resets", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--task", action="append", help="a task or a set of tasks; repeatable; default all")
    parser.add_argument("--setting", choices=SETTINGS, default=SIMPLE, help="what is new about the scenes")
    arguments = parser.parse_args()
    chosen = {name for asked in arguments.task or ["all"] for name in task_set(asked)}
    tasks = tuple(task for task in TASKS if task in chosen)
    for line in table(tasks, arguments.resets, arguments.processes, arguments.setting):
        print(line, flush=True)  # noqa: T201 - this command's output


if __name__ == "__main__":
    main()
