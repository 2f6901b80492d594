"""How often Meta-World's scripted policies succeed in our world, without gusts, and how many steps they take.

    python benchmarks/metaworld_experts.py [--tasks mt50] [--starts 10] [--switch]

Starts are seeds 0, 1, ... of each task; 500 steps at most, no images. With ``--switch`` the gripper opens or closes
with full effort, whatever effort the policy asks for.
"""

import argparse
import time
from itertools import islice

import numpy as np

from robovlms.worlds.metaworld.env import InitialState, MetaWorld
from robovlms.worlds.metaworld.expert import expert
from robovlms.worlds.metaworld.tasks import MAX_STEPS, task_set


def steps_to_success(world: MetaWorld, task: str, seed: int, switch: bool) -> int | None:
    world.reset(InitialState(task), seed, render=False)
    world.begin_task(task)
    for number, action in enumerate(islice(expert(world), MAX_STEPS), 1):
        if switch:
            action[3] = 1.0 if action[3] > 0 else -1.0
        if world.step(action, render=False).success:
            return number
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="mt50")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--switch", action="store_true")
    arguments = parser.parse_args()
    world, rates, began = MetaWorld(), [], time.monotonic()
    for task in task_set(arguments.tasks):
        tried = [steps_to_success(world, task, seed, arguments.switch) for seed in range(arguments.starts)]
        steps = [found for found in tried if found]
        rates.append(len(steps) / arguments.starts)
        print(f"{task:30} {rates[-1]:6.0%} {np.mean(steps) if steps else float('nan'):7.1f} steps", flush=True)
    world.close()
    print(f"mean {np.mean(rates):.3f}, least {min(rates):.2f}; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
