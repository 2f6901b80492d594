"""A parity kit: inputs, and what the published code made of them with the checkpoint beside them.

```
KIT/ config.json  checkpoint.pt  inputs.safetensors  outputs.safetensors
     cases.json   annotations ([first frame, last frame, text]), training cases, streams (absent for heads alone)
     vlm/         the VLM's directory (absent for heads alone)
```
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from robovlms.core.errors import UserError

TOLERANCE = 1e-5
"""Largest difference that is floating-point noise, absolute up to 1 and relative beyond."""


@dataclass(frozen=True)
class Kit:
    """The files of a kit, read."""

    directory: Path
    config: Mapping[str, Any]
    cases: Mapping[str, Any] | None
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclass(frozen=True)
class Difference:
    """The largest difference of one output to the kit's, and the size of the kit's values; ids must be the same."""

    name: str
    largest: float
    scale: float = 1.0
    exact: bool = False

    @property
    def allowed(self) -> float:
        """How much may be rounding."""
        return 0.0 if self.exact else TOLERANCE * max(1.0, self.scale)

    @property
    def holds(self) -> bool:
        """Whether it is no more than that."""
        return self.largest <= self.allowed


@dataclass
class Comparison:
    """Collects differences; what the kit records and nobody compared is known in the end."""

    expected: Mapping[str, Tensor]
    found: list[Difference] = field(default_factory=list)

    def add(self, name: str, ours: Tensor, theirs: Tensor | None = None, where: Tensor | None = None) -> None:
        """Compare with the kit's output of that name, or with ``theirs``; only ``where`` true if that is given.

        What the kit does not record is passed over.
        """
        reference = self.expected.get(name) if theirs is None else theirs
        if reference is None:
            return
        if ours.shape != reference.shape:
            self.found.append(Difference(f"{name} (shape {tuple(ours.shape)} for {tuple(reference.shape)})", torch.inf))
            return
        gap, size = (ours.detach().double() - reference.double()).abs(), reference.double().abs()
        if where is not None:
            gap, size = gap[where], size[where]
        exact = not reference.is_floating_point()
        self.found.append(Difference(name, _largest(gap), _largest(size), exact))

    @property
    def summary(self) -> str:
        """The largest difference, absolute and relative to its output's largest value (or to 1, if that is less)."""
        absolute = max(self.found, key=lambda difference: difference.largest)
        relative = max(difference.largest / max(1.0, difference.scale) for difference in self.found)
        return f"largest difference {absolute.largest:.1e} ({absolute.name}), {relative:.1e} of the values' size"

    @property
    def left_out(self) -> list[str]:
        """Outputs of the kit that were not compared."""
        return sorted(self.expected.keys() - {difference.name for difference in self.found})


def read_kit(directory: Path) -> Kit:
    """Read a kit's files.

    Raises:
        UserError: one is missing or damaged.
    """
    try:
        config, cases = (_json(directory / name) for name in ("config.json", "cases.json"))
        inputs, outputs = (load_file(directory / f"{name}.safetensors") for name in ("inputs", "outputs"))
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{directory} is no parity kit, or it is damaged: {error}") from None
    if config is None:
        raise UserError(f"{directory} is no parity kit: it has no config.json.")
    return Kit(directory, config, cases, inputs, outputs)


def _json(path: Path) -> Mapping[str, Any] | None:
    return json.loads(path.read_text()) if path.is_file() else None


def _largest(values: Tensor) -> float:
    return float(values.max()) if values.numel() else 0.0
