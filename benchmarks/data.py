"""How fast data is read, beside the code that others read it with: ratios of CPU seconds in one run.

    python benchmarks/data.py [calvin] [memory] [start-up] [rlds] [lerobot] [--json OUT]
        --upstream CLONE --upstream-python PY       # the published code, and an interpreter that can run it
        --bridge DIR --tfrecord-python PY           # an RLDS folder, and an interpreter with the package tfrecord
        --lerobot-python PY                         # an interpreter with lerobot 0.4.4

A part whose counterpart is not given is skipped and says so. Both sides take turns; a ratio is the median of rounds.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from data_parts import calvin, lerobot, memory, rlds
from data_parts.beside import NoAnswer, Row

PARTS = {
    "calvin": lambda a: calvin.measure(a.upstream, a.upstream_python, a.episodes, a.rounds, a.windows),
    "memory": lambda a: memory.flat(a.budget_mb),
    "start-up": lambda a: memory.start_up(),
    "rlds": lambda a: rlds.measure(a.bridge, a.tfrecord_python, a.gigabytes, a.rounds),
    "lerobot": lambda a: lerobot.measure(a.lerobot_python, a.episodes, a.rounds, a.windows),
}


def main() -> None:
    """Run the parts and print a table."""
    arguments = parse()
    torch.set_num_threads(1)
    rows = []
    for part in arguments.parts or PARTS:
        try:
            rows += (found := PARTS[part](arguments))
        except NoAnswer as error:
            rows += (found := [Row(part, detail=f"skipped: {error}")])
        print("\n".join(map(line, found)), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def parse() -> argparse.Namespace:
    """Which parts, beside what."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    for name in ("--upstream", "--upstream-python", "--bridge", "--tfrecord-python", "--lerobot-python", "--json"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--episodes", type=int, default=8, help="of 64 frames, in the CALVIN and LeRobot folders")
    parser.add_argument("--windows", type=int, default=32, help="asked of the other side in a round")
    parser.add_argument("--gigabytes", type=float, default=0.256, help="of RLDS")
    parser.add_argument(
        "--budget-mb", type=int, default=64, help="a quarter of the frames that memory is measured with"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown part {sorted(unknown)}, expected some of {list(PARTS)}")
    return arguments


def line(row: Row) -> str:
    """One line of the table."""
    value = "-" if row.value is None else f"{row.value:.2f} {row.unit}"
    verdict = {True: "met", False: "missed", None: ""}[row.met]
    return f"{row.what:<28} {value:>12}   {row.asked:<22} {verdict:<7} {row.detail}"


if __name__ == "__main__":
    main()
