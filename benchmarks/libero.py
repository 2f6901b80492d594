"""Episodes an hour on LIBERO: our evaluation against the package's own example loop, in one run.

    python benchmarks/libero.py --world-python .venvs/libero/bin/python [--episodes 4] [--steps 40] [--workers 2]

The package's loop is the one its README shows, with ten steps at rest: ``reset``, ``set_init_state``, ``step``, and
images of both cameras at each step. Ours plays the same task and states; ``look`` is how often its policy asks for
images, since one that plays chunks of K actions looks at every K-th step only. All play random actions for ``--steps``.
To build environments is left out on both sides: ours is the difference between a longer and a shorter evaluation.
CPU-seconds tell more than the clock on a busy machine.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

SUITE = "libero_object"


def package_loop(episodes, steps, size):
    """Runs in the package's interpreter, as its README shows; prints wall and CPU seconds of the episodes."""
    import numpy as np
    from libero.libero import benchmark, get_libero_path
    from libero.libero.envs import OffScreenRenderEnv

    suite = benchmark.get_benchmark(SUITE)(task_order_index=0)
    task, states = suite.get_task(0), suite.get_task_init_states(0)
    scene = f"{get_libero_path('bddl_files')}/{task.problem_folder}/{task.bddl_file}"
    env = OffScreenRenderEnv(bddl_file_name=scene, camera_heights=size, camera_widths=size)
    env.seed(0)
    rng = np.random.default_rng(0)
    clock, cpu = time.time(), time.process_time()
    for number in range(episodes):
        env.reset()
        env.set_init_state(states[number])
        for _ in range(10):
            env.step([0, 0, 0, 0, 0, 0, -1.0])
        for _ in range(steps):
            env.step(rng.uniform(-1, 1, 7))
    print(json.dumps([time.time() - clock, time.process_time() - cpu]), flush=True)
    os._exit(0)  # robosuite's renderers complain when Python takes them down


def our_loop(python, episodes, steps, size, workers, look, style):
    """Wall and CPU seconds of an evaluation of these episodes, processes and worlds included."""
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    from robovlms.core.config import validate
    from robovlms.evaluation.benchmarks import Options, open_benchmark
    from robovlms.evaluation.evaluate import run
    from robovlms.evaluation.results import Checkpoint

    scene = SUITE if style == "full" else f"{SUITE}:{style}"
    asked = {"scene": scene, "image_size": size, "batch": 4, "world_python": python}
    found = open_benchmark("libero", validate(Options, asked))
    protocol = found.protocol.model_copy(update={"max_steps": steps})
    found = replace(found, protocol=protocol, jobs=found.jobs[:episodes])
    with tempfile.TemporaryDirectory() as folder:
        policy = looking(found.action_spec, look)
        clock, cpu = time.time(), _cpu()
        run(policy, found, checkpoint=Checkpoint("random", "0"), out=Path(folder) / "out", workers=workers)
        return time.time() - clock, _cpu() - cpu


def looking(action_spec, look):
    """A policy of random actions that asks for images at every ``look``-th step."""
    from robovlms.policies.scripted import ScriptedPolicy, random_action

    class Looking(ScriptedPolicy):
        acted = 0

        def needs_observation(self, episode):
            return self.acted % look == 0

        def act(self, observations):
            self.acted += len(observations)
            return super().act(observations)

    return Looking(random_action, action_spec)


def _cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world-python", default=sys.executable)
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--package-loop", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.package_loop:
        package_loop(asked.episodes, asked.steps, asked.size)
    numbers = ["--episodes", str(asked.episodes), "--steps", str(asked.steps), "--size", str(asked.size)]
    environment = {"MUJOCO_GL": "egl"} | dict(os.environ)
    command = [asked.world_python, __file__, "--package-loop", *numbers]
    printed = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    theirs = [seconds / asked.episodes for seconds in json.loads(printed.splitlines()[-1])]
    print(f"{asked.episodes} episodes of {asked.steps} steps, two cameras of {asked.size} px")
    _say("package's loop", theirs, theirs)
    for style, look in (("full", 1), ("full", 5), ("plain", 1), ("plain", 5)):
        settings = (asked.steps, asked.size, asked.workers, look, style)
        short = our_loop(asked.world_python, asked.workers, *settings)
        long = our_loop(asked.world_python, asked.workers + asked.episodes, *settings)
        ours = [(after - before) / asked.episodes for before, after in zip(short, long, strict=True)]
        _say(f"ours, {style}, look at every {look}", ours, theirs)


def _say(name, one, other):
    (wall, cpu), (their_wall, their_cpu) = one, other
    speed = f"{3600 / wall:6.0f} episodes an hour ({their_wall / wall:4.1f}x)"
    print(f"{name:28} {speed}, {cpu:6.1f} CPU-s an episode ({their_cpu / cpu:4.1f}x)", flush=True)


if __name__ == "__main__":
    main()
