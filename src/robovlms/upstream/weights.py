"""A published checkpoint file as tensors by name. Pickles are read without running anything they hold.

Accepted, as by the published code: ``{"state_dict": ...}`` or ``{"model_state_dict": ...}``, names with ``module.`` in
front (from parallel training), names without ``model.``.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robovlms.core.errors import UserError

TABLES = ("state_dict", "model_state_dict")
Weights = dict[str, Tensor]


def read_weights(path: Path) -> Weights:
    """Every tensor of the file in float32, by its name behind ``model.``.

    Raises:
        UserError: missing, damaged or malicious, no table of weights in it, or values that are no finite numbers.
    """
    stored = read_tables(path)
    table = next((stored[name] for name in TABLES if name in stored), None)
    if not isinstance(table, Mapping) or not table:
        raise UserError(f"{path} holds {sorted(map(str, stored))}, expected one of {', '.join(TABLES)} with weights.")
    strange = sorted(str(name) for name, value in table.items() if not isinstance(value, Tensor))
    if strange:
        raise UserError(f"{path}: these entries are no tensors: {', '.join(strange)}.")
    weights = {_own_name(name): value for name, value in table.items()}
    if len(weights) < len(table):
        raise UserError(f"{path}: several names mean the same weight once 'module.' and 'model.' are left out.")
    for name, value in weights.items():
        if not value.isfinite().all():
            raise UserError(f"{path}: {name} holds NaN or infinite values. The training had failed; take another file.")
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def read_tables(path: Path) -> Mapping[str, Any]:
    """What a file that torch saved holds, as plain values and tensors only.

    Raises:
        UserError: missing, damaged, or it would run code.
    """
    if not path.is_file():
        raise UserError(f"Checkpoint file {path} does not exist.")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"{path} is not read: it holds more than tensors and plain values, and reading that could run code. "
            f"{reason}"
        ) from None
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        raise UserError(f"{path} is no checkpoint that torch saved, or it is damaged: {error}") from None
    if not isinstance(stored, Mapping):
        raise UserError(f"{path} holds a {type(stored).__name__}, expected a table of weights.")
    return stored


def take(weights: Weights, prefix: str) -> Weights:
    """Remove from ``weights`` those whose names start with ``prefix``; they are returned by the rest of their names."""
    found = {name: value for name, value in weights.items() if name.startswith(prefix)}
    for name in found:
        del weights[name]
    return {name.removeprefix(prefix): value for name, value in found.items()}


def _own_name(name: str) -> str:
    plain = name.replace("module.", "") if name.startswith("module.") else name
    return plain.removeprefix("model.")
