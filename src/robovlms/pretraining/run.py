"""Pre-train the tiny VLM: ``python -m robovlms.pretraining.run --out DIR --minutes 75``.

One thread trains, a second process draws the frames; 75 minutes are what the packaged weights took on one core of a
small server. The directory holds the pool (about 0.9 GB), ``metrics.jsonl``, ``state.pt`` for ``--resume`` and
``tiny_vlm``, the model as exported every few minutes.
"""

import argparse
import json
import multiprocessing
import signal
import sys
import time
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from robovlms.core.config import validate
from robovlms.core.errors import UserError, WorkFailed
from robovlms.pretraining.export import export
from robovlms.pretraining.pool import disguised, open_pool, ready_frames, write_pool
from robovlms.pretraining.rollouts import rolled_out_disguised
from robovlms.pretraining.settings import PretrainingConfig
from robovlms.pretraining.trainer import Trainer
from robovlms.pretraining.vocabulary import tiny_tokenizer

SAVE_EVERY_S = 240.0
LOG_EVERY = 50


class Run:
    """A run's directory and clock."""

    def __init__(self, out: Path, config: PretrainingConfig, resume: bool):
        self.out, self.config = out, config
        self.state, self.pool = out / "state.pt", out / "pool.bin"
        if self.state.exists() and not resume:
            raise UserError(f"{out} holds another run. Give --resume to continue it, or another --out.")
        out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = tiny_tokenizer()
        self.trainer = Trainer(config, self.tokenizer)
        self.elapsed_s = self.trainer.load(self.state) if self.state.exists() else 0.0

    def wait_for_frames(self) -> None:
        """Block until the pool holds what the next step draws from; waiting does not count as training."""
        while ready_frames(self.pool) < self.trainer.limit():
            time.sleep(0.5)

    def train(self) -> None:
        """Train until the minutes are spent; an interruption saves."""
        budget = self.config.minutes * 60
        self.wait_for_frames()
        pool, saved_s = open_pool(self.pool), self.elapsed_s
        sums: dict[str, float] = {}
        with _progress() as bar, (self.out / "metrics.jsonl").open("a", buffering=1) as log:
            task = bar.add_task("pre-training", total=budget, completed=int(self.elapsed_s), note="")
            try:
                while self.elapsed_s < budget:
                    self.wait_for_frames()
                    started = time.perf_counter()
                    losses = self.trainer.step(pool, self.elapsed_s / budget)
                    self.elapsed_s += time.perf_counter() - started
                    sums = {name: sums.get(name, 0.0) + value / LOG_EVERY for name, value in losses.items()}
                    if self.trainer.step_count % LOG_EVERY == 0:
                        log.write(json.dumps({"step": self.trainer.step_count, "s": self.elapsed_s, **sums}) + "\n")
                        note = "  ".join(f"{name} {value:.4f}" for name, value in sums.items())
                        bar.update(task, completed=self.elapsed_s, note=note)
                        sums = {}
                    if self.elapsed_s - saved_s > SAVE_EVERY_S:
                        self.save()
                        saved_s = self.elapsed_s
            finally:
                self.save()

    def save(self) -> None:
        """Write the resumable state and the exported model."""
        self.trainer.save(self.state, self.elapsed_s)
        export(self.trainer.model, self.tokenizer, self.out / "tiny_vlm")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[note]}")
    )


def start_writer(run: Run) -> multiprocessing.process.BaseProcess:
    """Draw the frames in a process of its own."""
    config = run.config
    arguments = (run.pool, config.num_frames, config.seed, config.scenes, (disguised, rolled_out_disguised))
    writer = multiprocessing.get_context("spawn").Process(target=write_pool, args=arguments, daemon=True)
    writer.start()
    return writer


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m robovlms.pretraining.run", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory of the run")
    parser.add_argument("--minutes", type=float, default=75.0, help="training time (wall clock)")
    parser.add_argument("--frames", type=int, default=36_000, help="image pairs to draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        settings = {"seed": given.seed, "minutes": given.minutes, "num_frames": given.frames}
        run = Run(given.out, validate(PretrainingConfig, settings), given.resume)
        start_writer(run)
        # Stopped by a scheduler as well as by Ctrl-C, a run saves.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        run.train()
    except (UserError, WorkFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, UserError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
