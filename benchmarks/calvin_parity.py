"""The same policy in CALVIN's official evaluation loop and in ours: success, trajectories, images and speed.

    python benchmarks/calvin_parity.py [--calvin-env DIR] [--chains 0,7,12] [--steps 360] [--looks 0]
        [--renderer egl] [--blind] [--one-process] [--workers 2] [--json OUT]

The official loop is ``evaluate_policy`` of the user's clone of mees/calvin, on calvin_env. calvin_env's own reset does
not forget what went before, so the official loop plays each chain in a fresh process, unless ``--one-process`` asks for
what it does with all in one. The policy works the fixtures of scene D and wanders else; with ``--looks N`` it reads the
images at every N-th step, and one pixel changes what it does then. The official loop renders at every step, but with
``--blind`` not at all, which suits ``--looks 0``. Speeds are of the middle three fifths of the steps, so that neither
side's start counts. Exit code 1 where anything differs, but with ``--one-process``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from calvin_parts.policy import Fixtures

from robovlms.evaluation.benchmarks import Options
from robovlms.evaluation.calvin import open_calvin
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint
from robovlms.worlds.calvin.clones import VARIABLE, find_clones
from robovlms.worlds.calvin.sentences import read_sentences

SCENE = "D"


def main() -> int:
    arguments = parse()
    if arguments.calvin_env:
        os.environ[VARIABLE] = str(arguments.calvin_env)
    if arguments.side:
        SIDES[arguments.side](arguments)
        return 0
    together = arguments.one_process
    groups = [arguments.chains] if together else [[chain] for chain in arguments.chains]
    official = merge([ask("official", arguments, group) for group in groups])
    ours = ask("ours", arguments, arguments.chains)
    found = compare(official, ours)
    print(json.dumps(found, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))
    return 0 if found["chains"] == found["equal_to_the_bit"] or together else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calvin-env", type=Path)
    parser.add_argument("--chains", type=lambda text: [int(number) for number in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=360)
    parser.add_argument("--looks", type=int, default=0)
    parser.add_argument("--renderer", choices=("egl", "tiny"), default="egl")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one-process", action="store_true")
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", choices=("official", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def ask(side: str, arguments: argparse.Namespace, chains: Sequence[int]) -> dict[str, np.ndarray]:
    """What a side found, in a process of its own: solved tasks and the trace by chain, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.npz"
        options = {"steps": arguments.steps, "looks": arguments.looks, "renderer": arguments.renderer}
        options |= {"workers": arguments.workers, "side": side, "file": file, "chains": ",".join(map(str, chains))}
        command = [sys.executable, "-W", "ignore", __file__]
        command += ["--blind"] * arguments.blind
        command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{side} loop:\n{done.stderr}")
        return dict(np.load(file))


def play_official(arguments: argparse.Namespace) -> None:
    from calvin_parts.official import play

    clones, policy = find_clones(), make_policy(arguments)
    rules = {"steps": arguments.steps, "cameras": not arguments.blind}
    solved = play(clones, SCENE, arguments.renderer, policy, arguments.chains, **rules)
    save(arguments.file, policy, arguments.chains, solved)


def play_ours(arguments: argparse.Namespace) -> None:
    policy = make_policy(arguments)
    scene = SCENE if arguments.renderer == "egl" else f"{SCENE}:{arguments.renderer}"
    whole = open_calvin(Options(scene=scene))
    jobs = tuple(whole.jobs[chain] for chain in arguments.chains)
    protocol = whole.protocol.model_copy(update={"max_steps": arguments.steps, "num_chains": len(jobs)})
    with tempfile.TemporaryDirectory() as folder:
        results = run(
            policy,
            replace(whole, protocol=protocol, jobs=jobs),
            checkpoint=Checkpoint("fixtures", "fixtures"),
            out=Path(folder),
            workers=arguments.workers,
        )
    solved = {episode.id: episode.num_solved for episode in results.episodes}
    save(arguments.file, policy, arguments.chains, [solved[job.id] for job in jobs])


SIDES = {"official": play_official, "ours": play_ours}


def make_policy(arguments: argparse.Namespace) -> Fixtures:
    sentences = read_sentences(find_clones().calvin)["validation"]
    return Fixtures({task: said for task, (said, *_) in sentences.items()}, arguments.looks)


def save(file: Path, policy: Fixtures, chains: Sequence[int], solved: Sequence[int]) -> None:
    traces = {str(chain): np.array(policy.trace[f"calvin-{chain:04d}"]) for chain in chains}
    begin, end = len(policy.times) // 5, len(policy.times) * 4 // 5
    seconds = policy.times[end] - policy.times[begin]
    np.savez(file, solved=np.array(solved), pace=np.array([end - begin, seconds]), **traces)


def merge(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    traces = {name: values for part in parts for name, values in part.items()}
    solved = np.concatenate([part["solved"] for part in parts])
    return traces | {"solved": solved, "pace": np.sum([part["pace"] for part in parts], axis=0)}


def compare(official: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> dict[str, object]:
    chains = sorted(set(ours) - {"solved", "pace"}, key=int)
    pairs = [(official[chain], ours[chain]) for chain in chains]
    firsts = {chain: first_difference(*pair) for chain, pair in zip(chains, pairs, strict=True)}
    steps = [sum(len(side[chain]) for chain in chains) for side in (official, ours)]
    speeds = [round(float(side["pace"][0] / side["pace"][1]), 2) for side in (official, ours)]
    return {
        "chains": len(chains),
        "equal_to_the_bit": sum(np.array_equal(*pair) for pair in pairs),
        "first_different_step": {chain: step for chain, step in firsts.items() if step is not None},
        "success_vectors_equal": bool(np.array_equal(official["solved"], ours["solved"])),
        "solved": [official["solved"].tolist(), ours["solved"].tolist()],
        "steps": steps,
        "images_compared": int(sum((theirs[:, 46] != 0).sum() for theirs, _ in pairs)),
        "largest_difference_of_positions_m": max(map(apart, pairs)),
        "steps_per_s": speeds,
        "ratio": round(speeds[1] / speeds[0], 2),
    }


def first_difference(theirs: np.ndarray, ours: np.ndarray) -> int | None:
    count = min(len(theirs), len(ours))
    different = np.flatnonzero((theirs[:count] != ours[:count]).any(axis=1))
    return int(different[0]) if different.size else None if len(theirs) == len(ours) else count


def apart(pair: tuple[np.ndarray, np.ndarray]) -> float:
    """Largest distance along an axis between the tools, over the steps that both took."""
    count = min(map(len, pair))
    return float(np.abs(pair[0][:count, :3] - pair[1][:count, :3]).max())


if __name__ == "__main__":
    sys.exit(main())
