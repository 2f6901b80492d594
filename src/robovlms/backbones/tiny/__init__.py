"""Miniatures of every family: random weights of the real classes in ordinary Hugging Face directories.

A module here is a family; its ``VARIANTS`` map names to functions that make ``(model, tokenizer, image processor)``,
and what else the checkpoint holds.
"""

import functools
import importlib
import pkgutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import logging as hf_logging

from robovlms.core.errors import UnknownName


@functools.cache
def variants() -> dict[str, Callable[[], tuple[Any, ...]]]:
    """Every miniature by its name: a family's id, or the id with a variant (``blip2-t5``)."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {name: make for module in modules for name, make in getattr(module, "VARIANTS", {}).items()}


def write_tiny(name: str, directory: Path, seed: int = 0) -> None:
    """Write a miniature; the same seed gives the same weights.

    Raises:
        UnknownName: no such miniature.
    """
    if name not in variants():
        raise UnknownName("tiny backbone", name, variants())
    hf_logging.disable_progress_bar()  # this project shows its own progress
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, *processors = variants()[name]()
        enliven(model)
    for part in (model, *processors):
        part.save_pretrained(directory)


@torch.no_grad()
def enliven(model: nn.Module) -> None:
    """Random weights that keep activations at their size.

    As transformers starts a miniature, gates are shut and an image changes hidden states by less than rounding does;
    no test would see a mistake.
    """
    for parameter in model.parameters():
        noise = torch.randn_like(parameter)
        if parameter.ndim > 1:
            parameter.copy_(noise / parameter[0].numel() ** 0.5)
        elif parameter.numel() == 1:  # a gate
            parameter.copy_(1.0 + 0.1 * noise)
        else:
            parameter.add_(0.1 * noise)


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="robovlms-tiny-")


@functools.cache
def tiny_directory(name: str) -> Path:
    """The directory of a miniature; it is written once a process and removed at its end."""
    directory = Path(_temporary().name) / name
    write_tiny(name, directory)
    return directory
