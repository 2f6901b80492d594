"""The training loop, top to bottom: batch, loss, clip, step, log, validate, save.

Batch ``i`` is a pure function of (seed, i), and so is the noise of step ``i``; a run that was interrupted and
resumed does exactly what an uninterrupted one does, as long as its length is given in steps. A time limit counts
the seconds of all sittings together, on the clock that the configuration names.
"""

import math
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.core.vl_batch import VLBatch
from robovlms.heads.head import Losses
from robovlms.policies.vla import VLA
from robovlms.training import checkpoint
from robovlms.training.checkpoint import Progress
from robovlms.training.experiment import TrainingConfig
from robovlms.training.metrics import MetricsLog
from robovlms.training.progress import ProgressLine

BatchSource = Callable[[int, int, int], Iterator[Batch | VLBatch]]
"""(first step, rank, world size) to this rank's batches from that step on."""


@dataclass(frozen=True)
class Task:
    """Everything one training process works on."""

    vla: VLA
    train: BatchSource
    validation: tuple[Batch, ...]
    config: TrainingConfig
    run: Path
    resume: Path | None = None
    asks: bool = False
    """Some steps are questions about images, which use other weights than actions do."""


def fit(task: Task) -> Path:
    """Train until the budget is used; returns the last checkpoint.

    Raises:
        UserError: the loss is not finite (the last good checkpoint stays), or the disk is full.
        KeyboardInterrupt: after saving.
    """
    import accelerate

    config, vla = task.config, task.vla
    averaging = accelerate.DistributedDataParallelKwargs(find_unused_parameters=task.asks)
    accelerator = accelerate.Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[averaging])
    optimizer = config.optimizer.build(vla.network)
    done = checkpoint.load_training(vla, optimizer, task.resume) if task.resume else Progress()
    network, optimizer = accelerator.prepare(vla.network, optimizer)
    main = accelerator.is_main_process
    log = MetricsLog(task.run / "training" / "metrics.jsonl", done.step if task.resume else None, enabled=main)
    line = ProgressLine(config, enabled=main)
    saved = task.resume
    batches = task.train(done.step, accelerator.process_index, accelerator.num_processes)
    started = config.now() - done.elapsed_s
    next_save = time.monotonic() + config.checkpoint_every_s
    latest: dict[str, torch.Tensor] = {}

    with interruptible() as interrupted, line:
        while True:
            done = replace(done, elapsed_s=config.now() - started)
            share, stop = _agree(accelerator, config.share(done.step, done.elapsed_s), interrupted())
            if share >= 1 or stop:
                break
            rate = config.optimizer.set_rate(optimizer, share)
            torch.manual_seed(_step_seed(config.seed, done.step, accelerator.process_index))
            batch = next(batches).to(accelerator.device)
            losses = network.train()(batch)
            if not _all_finite(accelerator, losses.total):
                raise UserError(_nan_message(done.step, saved))
            _update(accelerator, network, optimizer, losses.total, config.optimizer.max_grad_norm)
            done = replace(done, step=done.step + 1, samples=done.samples + config.batch_size)

            if not main:
                continue
            latest |= _named(losses, "vl_loss" if isinstance(batch, VLBatch) else "loss")
            if done.step % config.log_every == 0:
                values = {name: value.item() for name, value in latest.items()}
                line.update(done, share, values)
                log.write(_metrics(done, config.now() - started) | values | {"learning_rate": rate})
            if done.step % config.validate_every == 0:
                log.write(_metrics(done, config.now() - started) | validate(vla, task.validation))
            if time.monotonic() > next_save:
                _require_finite(vla, {}, done.step, saved)
                saved = checkpoint.save(vla, optimizer.optimizer, done, task.run)
                next_save = time.monotonic() + config.checkpoint_every_s

    if main:
        held_out = validate(vla, task.validation)
        _require_finite(vla, held_out, done.step, saved)
        log.write(_metrics(done, config.now() - started) | held_out)
        saved = checkpoint.save(vla, optimizer.optimizer, done, task.run)
    accelerator.wait_for_everyone()
    if stop:
        raise KeyboardInterrupt
    assert saved is not None or not main
    return saved or task.run


def _named(losses: Losses, name: str) -> dict[str, torch.Tensor]:
    """The newest losses of one kind of batch, for the log."""
    parts = {f"{name}_{part}": value.detach() for part, value in losses.parts.items()}
    return {name: losses.total.detach(), **parts}


def _update(accelerator: Any, network: Any, optimizer: Any, loss: torch.Tensor, max_norm: float) -> None:
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(network.parameters(), max_norm)
    optimizer.step()
    optimizer.zero_grad()


def _require_finite(vla: VLA, held_out: dict[str, float], step: int, saved: Path | None) -> None:
    """The last update may have ruined the weights, which no training loss shows any more."""
    whole = all(bool(parameter.isfinite().all()) for parameter in vla.network.parameters())
    if not whole or not all(math.isfinite(value) for value in held_out.values()):
        raise UserError(_nan_message(step, saved))


@torch.no_grad()
def validate(vla: VLA, batches: tuple[Batch, ...]) -> dict[str, float]:
    """Mean losses over held-out windows, by name."""
    if not batches:
        return {}
    vla.network.eval()
    sums: dict[str, float] = {}
    for batch in batches:
        losses = vla.loss(batch.to(vla.device))
        for name, value in {"": losses.total, **{f"_{k}": v for k, v in losses.parts.items()}}.items():
            sums[f"val_loss{name}"] = sums.get(f"val_loss{name}", 0.0) + value.item() / len(batches)
    return sums


def _agree(accelerator: Any, share: float, stop: bool) -> tuple[float, bool]:
    """The main process's share of the budget for everyone; anyone's interrupt stops all."""
    if accelerator.num_processes == 1:
        return share, stop
    mine = torch.tensor([share if accelerator.is_main_process else 0.0, float(stop)])
    total = accelerator.reduce(mine, "sum")
    return total[0].item(), total[1].item() > 0


def _all_finite(accelerator: Any, loss: torch.Tensor) -> bool:
    finite = torch.tensor([float(torch.isfinite(loss.detach()))])
    if accelerator.num_processes > 1:
        finite = accelerator.reduce(finite, "mean")
    return finite.item() == 1.0


def _step_seed(seed: int, step: int, rank: int) -> int:
    return (seed * 1_000_003 + step) * 64 + rank


def _metrics(done: Progress, elapsed_s: float) -> dict[str, float | int]:
    rate = done.samples / max(elapsed_s, 1e-9)
    return {"step": done.step, "samples": done.samples, "elapsed_s": elapsed_s, "samples_per_s": rate}


def _nan_message(step: int, saved: Path | None) -> str:
    kept = f"The last good checkpoint is {saved}." if saved else "No checkpoint had been written yet."
    return f"The loss is not finite at step {step}; training stopped. {kept} Lower --training.optimizer.learning_rate."


@contextmanager
def interruptible() -> Generator[Callable[[], bool]]:
    """Turn the first Ctrl-C (or SIGTERM) into a flag the loop reads; a second one stops at once."""
    seen: list[int] = []

    def note(number: int, _: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
