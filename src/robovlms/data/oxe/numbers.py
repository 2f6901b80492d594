"""Numbers of every step, made of the features of a record: picklable, so that a data set may go to worker processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from robovlms.data.oxe.oddities import Column, as_column

Steps = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Some numbers of every step: the features they are made of (below ``steps/``), and how."""

    features: tuple[str, ...]
    of: Callable[[Steps], Column]


def take(feature: str, start: int | None = None, stop: int | None = None) -> Numbers:
    """Columns ``start`` to ``stop`` of a feature, as recorded."""
    return columns(Numbers((feature,), partial(_feature, feature)), start, stop)


def columns(numbers: Numbers, start: int | None, stop: int | None) -> Numbers:
    """Some of the columns."""
    return apply(partial(_columns, start, stop), numbers)


def apply(function: Callable[[Column], Column], numbers: Numbers) -> Numbers:
    """An oddity put right."""
    return Numbers(numbers.features, partial(_applied, function, numbers))


def constant(like: Numbers, dims: int, value: float = 0.0) -> Numbers:
    """What this robot never does: as many rows as ``like``."""
    return apply(partial(_constant, dims, value), like)


def join(*parts: Numbers) -> Numbers:
    """Columns side by side."""
    features = tuple(feature for numbers in parts for feature in numbers.features)
    return Numbers(features, partial(_joined, parts))


def _feature(feature: str, steps: Steps) -> Column:
    return as_column(steps[feature])


def _columns(start: int | None, stop: int | None, found: Column) -> Column:
    return found[:, start:stop]


def _applied(function: Callable[[Column], Column], numbers: Numbers, steps: Steps) -> Column:
    return function(numbers.of(steps))


def _constant(dims: int, value: float, like: Column) -> Column:
    return np.full((len(like), dims), value, np.float32)


def _joined(parts: tuple[Numbers, ...], steps: Steps) -> Column:
    return np.concatenate([numbers.of(steps) for numbers in parts], axis=1)
