"""Checkpoints of a run: complete or absent, never a pickle.

A checkpoint is written beside its place and renamed into it, so a kill at any moment leaves the previous one whole.
``training/`` inside it holds the optimizer's moments by parameter name and the loop's counters.
"""

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from robovlms.core.errors import CorruptData, UserError
from robovlms.core.files import disk_error, read_json, write_json
from robovlms.policies.vla import VLA

KEEP = 2
OLDER = "Remove this checkpoint and --resume from the one before, or train again."


@dataclass(frozen=True)
class Progress:
    """Where a run stands. ``step`` is also the data cursor: batch ``step`` comes next."""

    step: int = 0
    samples: int = 0
    elapsed_s: float = 0.0


def save(vla: VLA, optimizer: torch.optim.Optimizer, progress: Progress, run: Path) -> Path:
    """Write ``run/checkpoints/step_*`` atomically and drop all but the newest two.

    Raises:
        UserError: the disk is full; what was there before is untouched.
    """
    final = run / "checkpoints" / f"step_{progress.step:08d}"
    temporary = final.with_name(f".{final.name}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        vla.save_pretrained(temporary)
        _save_training(vla.network, optimizer, progress, temporary / "training")
        _sync(temporary)
        shutil.rmtree(final, ignore_errors=True)
        temporary.rename(final)
    except (OSError, SafetensorError, UserError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        reason = error if isinstance(error, UserError) else disk_error(error, final)
        raise UserError(f"{reason} The last checkpoint is intact: --resume goes on from it.") from error
    for old in sorted(final.parent.glob("step_*"))[:-KEEP]:
        shutil.rmtree(old)
    return final


def load_training(vla: VLA, optimizer: torch.optim.Optimizer, directory: Path) -> Progress:
    """Put moments back into the optimizer and return where the run stood."""
    state = directory / "training"
    if not state.is_dir():
        raise UserError(f"{directory} cannot be resumed: it has no training/ folder (an exported checkpoint).")
    moments = state / "optimizer.safetensors"
    try:
        tensors = load_file(str(moments))
    except (OSError, SafetensorError) as error:
        raise CorruptData(f"{moments} is missing or damaged ({error}). {OLDER}") from None
    for name, parameter in vla.network.named_parameters():
        if f"{name}|exp_avg" in tensors:
            optimizer.state[parameter] = {key: tensors[f"{name}|{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
    counters = read_json(state / "progress.json", remedy=OLDER)
    if {name: type(value) for name, value in counters.items()} != {"step": int, "samples": int, "elapsed_s": float}:
        raise CorruptData(f"{state / 'progress.json'}: got {counters}, expected step, samples and elapsed_s. {OLDER}")
    return Progress(**counters)


def _save_training(network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, directory: Path) -> None:
    directory.mkdir()
    tensors = {
        f"{name}|{key}": value.contiguous()
        for name, parameter in network.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }
    save_file(tensors, str(directory / "optimizer.safetensors"))
    write_json(directory / "progress.json", asdict(progress))


def _sync(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
