"""What the scripted expert solves of LIBERO, task by task: the proof that successes are noticed.

    python benchmarks/libero_expert.py --world-python .venvs/libero/bin/python [--suite libero_goal] [--state 0]

``drift`` is how far the goal's first object moves by itself in a second of rest: more than nothing means that the
initial state is not one to start from, as under MuJoCo 3.4 and newer in task 5 of libero_spatial.
"""

import argparse

from robovlms.worlds.remote.process import remedy
from robovlms.worlds.remote.world import ask


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world-python", required=True)
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--task", type=int, action="append", default=[], help="number in the suite; default all")
    parser.add_argument("--state", type=int, default=0)
    asked = parser.parse_args()
    for suite in asked.suite or ["libero_spatial", "libero_object", "libero_goal", "libero_10"]:
        described = ask(
            asked.world_python, "robovlms.worlds.libero.catalog:describe", {"suite": suite}, remedy("libero")
        )
        numbers = asked.task or range(len(described["tasks"]))
        print(f"{suite}, MuJoCo {described['packages']['mujoco']}, initial state {asked.state}")
        for number in numbers:
            settings = {"suite": suite, "number": number, "state": asked.state}
            found = ask(asked.world_python, "robovlms.worlds.libero.expert:examine", settings)
            steps = f"{found['steps']:4d} steps" if found["steps"] else "    -     "
            print(f"{number:3d} {steps}  drift {found['drift_m'] * 100:6.2f} cm  {found['task']}", flush=True)


if __name__ == "__main__":
    main()
