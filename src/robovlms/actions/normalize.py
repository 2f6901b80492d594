"""Normalised actions and their exact inverse, from statistics of a data set.

Every dimension is mapped by ``(x - offset) / scale``; nothing is clipped, so ``denormalize(normalize(x))`` is ``x``
up to rounding, also outside the range the statistics saw. The gripper is never normalised by statistics: the closed and
open values of its component become 0 and 1, whatever sign a data set uses.

Non-obvious behaviour: a dimension whose quantiles coincide falls back to its range, and a constant one to scale 1; it
is then 0 when normalised and comes back as the constant.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import Float, Float32

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.config import Config
from robovlms.core.errors import UserError

Method = Literal["quantile", "min_max", "mean_std", "identity"]
Array = TypeVar("Array")

RARE_MOTION = 0.1
"""Least quantile range as a share of the full range. A dimension that rarely moves (a wrist in a task set of drawers)
has quantiles near zero; without a floor its few real motions would be labels in the hundreds and rule the loss."""

# Below this share of the magnitude a spread is rounding noise of float32, not motion.
_NEGLIGIBLE = 1e-6


class ActionStatistics(Config):
    """Per-dimension statistics of ``count`` actions (or states); plain JSON."""

    count: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    min: tuple[float, ...]
    max: tuple[float, ...]
    q01: tuple[float, ...]
    q99: tuple[float, ...]

    @property
    def dims(self) -> int:
        """Number of dimensions."""
        return len(self.mean)

    @classmethod
    def of(cls, values: Float[np.ndarray, "count a"]) -> "ActionStatistics":
        """Exact statistics of ``values``; quantiles by linear interpolation."""
        if not len(values):
            raise UserError("Statistics need at least one action: got none. Check the held-out fraction.")
        wide = values.astype(np.float64)
        low, high = np.quantile(wide, (0.01, 0.99), axis=0)
        columns = {"mean": wide.mean(0), "std": wide.std(0), "min": wide.min(0), "max": wide.max(0)}
        columns |= {"q01": low, "q99": high}
        return cls(count=len(values), **{name: tuple(column.tolist()) for name, column in columns.items()})


class Normalizer:
    """Maps actions of one data set to about [-1, 1] and back; the gripper to {0 closed, 1 open} and back.

    It knows nothing of windows or networks. Works on numpy arrays and torch tensors whose last axis is ``a``; the
    answer has their type, dtype and device.
    """

    offset: Float32[np.ndarray, " a"]
    scale: Float32[np.ndarray, " a"]

    def __init__(
        self,
        spec: ActionSpec,
        statistics: ActionStatistics,
        method: Method = "quantile",
        methods: Mapping[str, Method] | None = None,
    ):
        """Combine a convention with statistics.

        Args:
            spec: The convention of the actions.
            statistics: One column for each dimension of ``spec``.
            method: How every component is normalised.
            methods: Exceptions by component name.
        """
        if statistics.dims != spec.dims:
            raise UserError(
                f"Action statistics do not fit the action spec: got {statistics.dims} dimensions, "
                f"expected {spec.dims}. Compute the statistics again from this data."
            )
        self.spec, self.statistics = spec, statistics
        pairs = []
        for component in spec.components:
            columns = spec.slice_of(component.name)
            pairs.append(_offset_and_scale(component, statistics, columns, (methods or {}).get(component.name, method)))
        self.offset, self.scale = (np.concatenate(part).astype(np.float32) for part in zip(*pairs, strict=True))

    def normalize(self, actions: Array) -> Array:
        """Actions in the units of the spec to normalised actions; shape ``(..., a)``."""
        values: Any = actions
        return (values - _like(self.offset, values)) / _like(self.scale, values)

    def denormalize(self, actions: Array) -> Array:
        """Normalised actions back to the units of the spec; shape ``(..., a)``."""
        values: Any = actions
        return values * _like(self.scale, values) + _like(self.offset, values)


def _like(constant: np.ndarray, values: Any) -> Any:
    """``constant`` as an array of the type, dtype and device of ``values``; numpy stays free of torch."""
    if isinstance(values, np.ndarray):
        return constant.astype(values.dtype)
    return values.new_tensor(constant)


def _offset_and_scale(
    component: ActionComponent, statistics: ActionStatistics, columns: slice, method: Method
) -> tuple[np.ndarray, np.ndarray]:
    if component.kind == "gripper":
        return _gripper(component)
    column = {
        name: np.array(getattr(statistics, name)[columns]) for name in ("mean", "std", "min", "max", "q01", "q99")
    }
    if method == "identity":
        return np.zeros(component.dims), np.ones(component.dims)
    if method == "mean_std":
        return column["mean"], _nonzero(column["std"], column["mean"])
    offset, scale = _middle_and_half(column["min"], column["max"])
    if method == "quantile":
        middle, half = _middle_and_half(column["q01"], column["q99"])
        moves = half > _NEGLIGIBLE * np.abs(middle)
        offset = np.where(moves, middle, offset)
        scale = np.where(moves, np.maximum(half, RARE_MOTION * scale), scale)
    return offset, _nonzero(scale, offset)


def _middle_and_half(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (high + low) / 2, (high - low) / 2


def _nonzero(scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return np.where(scale > _NEGLIGIBLE * np.maximum(np.abs(offset), _NEGLIGIBLE), scale, 1.0)


def _gripper(component: ActionComponent) -> tuple[np.ndarray, np.ndarray]:
    closed, opened = component.gripper_closed, component.gripper_open
    if closed is None or opened is None or closed == opened:
        raise UserError(
            f"Gripper component '{component.name}' needs two different values: got closed {closed}, open {opened}. "
            "Set gripper_closed and gripper_open in the ActionSpec."
        )
    return np.full(component.dims, closed), np.full(component.dims, opened - closed)
