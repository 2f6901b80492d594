"""The results in docs/results.md: every experiment on the tabletop, one after the other, on two cores.

    python benchmarks/tabletop.py [quick] [twelve] [full] [pretraining] [baseline] [scenes] [losses] [structures]
                                  [heads] [--out runs/results] [--jobs 2]

An interrupted experiment goes on where it was, a finished one is skipped; results are copied to benchmarks/results.
All numbers are of scene D, 100 chains (200 for structures and heads), validation sentences.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from robovlms.cli.pipeline import BASELINES

RESULTS = Path(__file__).parent / "results"
SEEDS = (0, 1, 2)
ONE_CORE = ("--training.clock", "cpu", "--training.processes", "1")
LONG = ("--training.steps", "8800", "--minutes", "1000", "--training.processes", "1")
"""As many as half an hour of one core makes; counted, so that any machine gives the same policy its chance."""
TEN_MINUTES, SIX_MINUTES = (("--minutes", minutes, *ONE_CORE) for minutes in ("10", "6"))
ARCHITECTURE, HEAD = "model.architecture.", "model.head."
WINDOW = {ARCHITECTURE + "history": 4, ARCHITECTURE + "stride": 6, "training.batch_size": 16}
"""Four frames, as far apart as the recipes' executor looks; a batch has as many frames as without history."""
SLOTS = {HEAD + "num_slots": 4}
REGRESSION = {**SLOTS, HEAD + "hidden": 512}
STRUCTURES = {
    "one_step_continuous": {HEAD + "kind": "mlp", **REGRESSION},
    "one_step_discrete": {HEAD + "kind": "tokens"},
    "policy_head_continuous": {HEAD + "kind": "lstm", HEAD + "recurrent": 64, **REGRESSION, **WINDOW},
    "policy_head_discrete": {HEAD + "kind": "tokens", **WINDOW},
    "interleaved_continuous": {HEAD + "kind": "mlp", **REGRESSION, **WINDOW},
    "interleaved_discrete": {HEAD + "kind": "tokens", **WINDOW},
    "video_continuous": {HEAD + "kind": "mlp", **REGRESSION, **WINDOW},
}
HEADS = {
    "gpt": {ARCHITECTURE + "kind": "policy_head_continuous", **REGRESSION, **WINDOW},
    "diffusion": {ARCHITECTURE + "kind": "one_step_continuous", **SLOTS},
    "flow": {ARCHITECTURE + "kind": "one_step_continuous", **SLOTS},
    "fast": {ARCHITECTURE + "kind": "one_step_discrete"},
}
"""Heads that are not their structure's usual one."""
LOSSES = {"l1": {HEAD + "pose_loss": "l1"}} | {
    f"huber-{delta}": {HEAD + "huber_delta": delta} for delta in (0.1, 0.3, 0.5, 1)
}


class Runner:
    """Runs ``robovlms`` commands below one folder and keeps their results."""

    def __init__(self, out: Path, jobs: int):
        self.out, self.jobs = out, jobs

    def robovlms(self, command: list[str], folder: Path, resume: str | None = "--resume") -> None:
        """One command that writes ``folder``; ``resume`` is what continues it."""
        again = [resume] if resume and folder.exists() else []
        subprocess.run([sys.executable, "-m", "robovlms", *command, "--out", str(folder), *again], check=True)

    def quickstart(self, name: str, *settings: str) -> str:
        """From demonstrations to a score."""
        return self.kept(name, lambda folder: self.robovlms(["quickstart", *settings], folder))

    def demos(self, name: str, number: int, scenes: str) -> Path:
        """Demonstrations of all 34 tasks, collected once."""
        folder = self.out / name
        if not folder.is_dir():
            self.robovlms(["demos", "tabletop", "--episodes", str(number), "--scenes", scenes], folder, None)
        return folder

    def trained(self, name: str, data: Path, *settings: str, chains: int = 100) -> str:
        """A policy for all 34 tasks, trained on ``data`` and scored in scene D."""

        def work(folder: Path) -> None:
            train = folder / "train"
            self.robovlms(["train", "tabletop_full", "--data", str(data), *settings], train)
            scored = ["evaluate", str(train), "--scene", "D", "--chains", str(chains), "--workers", "1"]
            self.robovlms(scored, folder / "evaluation")
            shutil.copyfile(folder / "evaluation/results.json", folder / "results.json")

        return self.kept(name, work)

    def kept(self, name: str, work: Callable[[Path], None]) -> str:
        """Do the work unless its results are there; keep them beside this file."""
        folder = self.out / name
        if not (folder / "results.json").is_file():
            work(folder)
        RESULTS.mkdir(exist_ok=True)
        results = json.loads((folder / "results.json").read_text())
        results["checkpoint"] = str(Path(results["checkpoint"]).relative_to(self.out))
        (RESULTS / f"{name}.json").write_text(json.dumps(results, separators=(",", ":")) + "\n")
        self.keep_speed(folder / "train/training/metrics.jsonl", RESULTS / "training" / f"{name}.json")
        return name

    def keep_speed(self, metrics: Path, kept: Path) -> None:
        """How many steps and windows the training made, and windows a second of its clock."""
        if metrics.is_file():
            last = json.loads(metrics.read_text().splitlines()[-1])
            kept.parent.mkdir(exist_ok=True)
            write = {name: last[name] for name in ("step", "samples", "samples_per_s")}
            kept.write_text(json.dumps(write) + "\n")


def quick(run: Runner) -> Iterator[str]:
    """The nine tasks of ``make quickstart`` in twelve minutes."""
    for model in ("vla", "cnn"):
        for seed in SEEDS:
            yield run.quickstart(f"quick-{model}-{seed}", "--model", model, "--seed", str(seed))


def twelve(run: Runner) -> Iterator[str]:
    """The nine and the three lifts from the table, in twelve minutes."""
    for model in ("vla", "cnn"):
        yield run.quickstart(f"twelve-{model}", "--tasks", "twelve", "--model", model)


def full(run: Runner) -> Iterator[str]:
    """All 34 tasks in ninety minutes."""
    for model in ("vla", "cnn"):
        yield run.quickstart(f"full-{model}", "--tasks", "all", "--minutes", "90", "--model", model)


def scenes(run: Runner) -> Iterator[str]:
    """Trained on A, B and C, scored in D."""
    yield run.trained("abc-vla", run.demos("demos-abc", 4000, "ABC"), *LONG)


def pretraining(run: Runner) -> Iterator[str]:
    """All 34 tasks with and without vision-language pre-training, half an hour of one core each."""
    without = ("--model.backbone.vl_pretrained", "false")
    yield from arms(run, {"pretraining-with": LONG, "pretraining-without": (*LONG, *without)})


def baseline(run: Runner) -> Iterator[str]:
    """The same without a VLM."""
    yield from arms(run, {"pretraining-cnn": (*LONG, *options(BASELINES["cnn"]))})


def losses(run: Runner) -> Iterator[str]:
    """The recipe with each pose loss, ten minutes of one core each, one seed."""
    yield from arms(run, {f"loss-{name}": (*TEN_MINUTES, *options(cell)) for name, cell in LOSSES.items()}, SEEDS[:1])


def structures(run: Runner) -> Iterator[str]:
    """Every structure with its usual head, six minutes of one core each."""
    chosen = {f"structure-{kind}": {ARCHITECTURE + "kind": kind, **cell} for kind, cell in STRUCTURES.items()}
    yield from cells(run, chosen)


def heads(run: Runner) -> Iterator[str]:
    """The other heads, the same way."""
    yield from cells(run, {f"head-{kind}": {HEAD + "kind": kind, **HEADS[kind]} for kind in HEADS})


def cells(run: Runner, settings: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Six minutes of one core and 200 chains each."""
    chosen = {name: (*SIX_MINUTES, *options(cell)) for name, cell in settings.items()}
    yield from arms(run, chosen, chains=200)


def options(settings: Mapping[str, Any]) -> list[str]:
    """Settings as options of the command line."""
    return [text for name, value in settings.items() for text in (f"--{name}", str(value))]


def arms(
    run: Runner, settings: Mapping[str, Sequence[str]], seeds: Sequence[int] = SEEDS, chains: int = 100
) -> Iterator[str]:
    """Every arm and seed on the same data, a core each."""
    data = run.demos("demos-d", 4000, "D")

    def arm(name: str, seed: int) -> str:
        return run.trained(f"{name}-{seed}", data, "--seed", str(seed), *settings[name], chains=chains)

    with ThreadPoolExecutor(run.jobs) as cores:
        yield from cores.map(arm, *zip(*((name, seed) for seed in seeds for name in settings), strict=True))


EXPERIMENTS = {
    work.__name__: work for work in (quick, twelve, full, pretraining, baseline, scenes, losses, structures, heads)
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS), help=", ".join(EXPERIMENTS))
    parser.add_argument("--out", type=Path, default=Path("runs/results"))
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    given = parser.parse_args()
    if unknown := set(given.experiments) - set(EXPERIMENTS):
        parser.error(f"no experiment {', '.join(sorted(unknown))}; there are {', '.join(EXPERIMENTS)}")
    for experiment in given.experiments:
        for name in EXPERIMENTS[experiment](Runner(given.out, given.jobs)):
            print(f"{name}: {average_length(RESULTS / f'{name}.json')}", flush=True)


def average_length(results: Path) -> str:
    """The average length of a results file, with its interval."""
    metric = json.loads(results.read_text())["metrics"]["average_length"]
    low, high = metric["ci95"]
    return f"{metric['value']:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
