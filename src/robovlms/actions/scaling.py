"""Ways to normalise the dimensions of one component, each with its exact inverse over the range it represents.

| kind | formula | range it represents exactly |
| --- | --- | --- |
| ``quantile`` | 1 % and 99 % quantiles to -1 and 1 | all numbers |
| ``min_max`` | smallest and largest to -1 and 1 | all numbers |
| ``mean_std`` | mean to 0, standard deviation to 1 | all numbers |
| ``affine`` | ``(x - offset) / scale`` with given numbers | all numbers |
| ``identity`` | ``x`` | all numbers |
| ``clip`` | ``low`` and ``high`` to -1 and 1 | ``low`` to ``high``; beyond, the nearer end |
| ``mu_law`` | ``sign(x) log(1 + mu |x|) / log(1 + mu)`` (ITU-T G.711) | -1 to 1; beyond, the nearer end |

A configuration is *fitted* to the statistics of a component and gives a pair of functions. The inverse of ``clip``
and ``mu_law`` never leaves their range, whatever a network says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from pydantic import Field, FiniteFloat, PositiveFloat, model_validator

from robovlms.actions.arrays import library, like
from robovlms.core.config import Config

Columns = Mapping[str, np.ndarray]

# Below this share of the magnitude a spread is rounding noise of float32, not motion.
_NEGLIGIBLE = 1e-6


@runtime_checkable
class Scaling(Protocol):
    """Do and undo; arrays of numpy or torch, whose last axis holds the component's dimensions."""

    def normalize(self, values: Any) -> Any:
        """Units of the spec to normalised values."""
        ...

    def denormalize(self, values: Any) -> Any:
        """Normalised values to units of the spec."""
        ...


@dataclass(frozen=True)
class AffineScaling:
    """``(x - offset) / scale``."""

    offset: np.ndarray
    scale: np.ndarray

    def normalize(self, values: Any) -> Any:
        """Subtract and divide."""
        return (values - like(self.offset, values)) / like(self.scale, values)

    def denormalize(self, values: Any) -> Any:
        """Multiply and add."""
        return values * like(self.scale, values) + like(self.offset, values)


@dataclass(frozen=True)
class Chained:
    """One scaling after another; undone in reverse."""

    scalings: tuple[Scaling, ...]

    def normalize(self, values: Any) -> Any:
        """First to last."""
        for scaling in self.scalings:
            values = scaling.normalize(values)
        return values

    def denormalize(self, values: Any) -> Any:
        """Last to first."""
        for scaling in reversed(self.scalings):
            values = scaling.denormalize(values)
        return values


class Quantile(Config):
    """The 1 % and 99 % quantiles become -1 and 1; nothing is clipped.

    ``rare_motion`` is the least quantile range as a share of the full range. A dimension that rarely moves (a wrist in
    a task set of drawers) has quantiles near zero; without a floor its few real motions would be labels in the
    hundreds and rule the loss. A dimension whose quantiles coincide falls back to its full range.
    """

    kind: Literal["quantile"] = "quantile"
    rare_motion: float = Field(0.1, ge=0, le=1)

    def fit(self, columns: Columns) -> Scaling:
        """For these statistics."""
        offset, scale = _middle_and_half(columns["min"], columns["max"])
        middle, half = _middle_and_half(columns["q01"], columns["q99"])
        moves = half > _NEGLIGIBLE * np.abs(middle)
        offset = np.where(moves, middle, offset)
        scale = np.where(moves, np.maximum(half, self.rare_motion * scale), scale)
        return AffineScaling(offset, _nonzero(scale, offset))


class MinMax(Config):
    """The smallest and the largest value become -1 and 1."""

    kind: Literal["min_max"] = "min_max"

    def fit(self, columns: Columns) -> Scaling:
        """For these statistics."""
        offset, scale = _middle_and_half(columns["min"], columns["max"])
        return AffineScaling(offset, _nonzero(scale, offset))


class MeanStd(Config):
    """Mean 0 and standard deviation 1."""

    kind: Literal["mean_std"] = "mean_std"

    def fit(self, columns: Columns) -> Scaling:
        """For these statistics."""
        return AffineScaling(columns["mean"], _nonzero(columns["std"], columns["mean"]))


class Affine(Config):
    """``(x - offset) / scale`` with the same given numbers for every dimension of the component."""

    kind: Literal["affine"] = "affine"
    offset: FiniteFloat = 0.0
    scale: PositiveFloat = 1.0

    def fit(self, columns: Columns) -> Scaling:
        """Whatever the statistics."""
        return AffineScaling(np.array(self.offset), np.array(self.scale))


class Identity(Config):
    """Values stay as they are."""

    kind: Literal["identity"] = "identity"

    def fit(self, columns: Columns) -> Scaling:
        """Whatever the statistics."""
        return AffineScaling(np.array(0.0), np.array(1.0))


class Clip(Config):
    """A fixed range becomes [-1, 1]. The default is upstream RoboVLMs' for CALVIN's relative actions."""

    kind: Literal["clip"] = "clip"
    low: FiniteFloat = -0.65
    high: FiniteFloat = 0.65

    @model_validator(mode="after")
    def _ordered(self) -> "Clip":
        if self.low >= self.high:
            raise ValueError(f"clip: got low {self.low:g} and high {self.high:g}, expected low below high")
        return self

    def fit(self, columns: Columns) -> Scaling:
        """Whatever the statistics."""
        return self

    def normalize(self, values: Any) -> Any:
        """To [-1, 1]."""
        middle, half = _middle_and_half(self.low, self.high)
        return ((values - middle) / half).clip(-1.0, 1.0)

    def denormalize(self, values: Any) -> Any:
        """To [low, high]."""
        middle, half = _middle_and_half(self.low, self.high)
        return (values * half + middle).clip(self.low, self.high)


class MuLaw(Config):
    """Spreads small values and squeezes large ones; put it after a scaling to about [-1, 1]."""

    kind: Literal["mu_law"] = "mu_law"
    mu: PositiveFloat = 255.0

    def fit(self, columns: Columns) -> Scaling:
        """Whatever the statistics."""
        return self

    def normalize(self, values: Any) -> Any:
        """Compress."""
        xp = library(values)
        return (xp.sign(values) * xp.log1p(self.mu * xp.abs(values)) / float(np.log1p(self.mu))).clip(-1.0, 1.0)

    def denormalize(self, values: Any) -> Any:
        """Expand."""
        xp, values = library(values), values.clip(-1.0, 1.0)
        return xp.sign(values) * xp.expm1(float(np.log1p(self.mu)) * xp.abs(values)) / self.mu


ScalingConfig = Annotated[
    Quantile | MinMax | MeanStd | Affine | Identity | Clip | MuLaw,
    Field(discriminator="kind"),
]
KINDS = tuple(member.model_fields["kind"].default for member in get_args(get_args(ScalingConfig)[0]))
FROM_STATISTICS = (Quantile, MinMax, MeanStd)


def _middle_and_half(low: Any, high: Any) -> tuple[Any, Any]:
    return (high + low) / 2, (high - low) / 2


def _nonzero(scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return np.where(scale > _NEGLIGIBLE * np.maximum(np.abs(offset), _NEGLIGIBLE), scale, 1.0)
