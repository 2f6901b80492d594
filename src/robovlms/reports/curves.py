"""Training curves as SVG paths: every panel is drawn against steps and time, on linear and logarithmic axes.

The page shows one of the four variants; choosing another needs no script, only radio buttons.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from robovlms.reports.runs import Run
from robovlms.reports.scales import Scale

PANELS = {
    "loss": "Loss",
    "loss_pose": "Pose loss",
    "loss_gripper": "Gripper loss",
    "vl_loss": "Loss of answers",
    "learning_rate": "Learning rate",
    "samples_per_s": "Samples per second",
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 240, 50, 430, 12, 204
MAX_POINTS = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One run's curve. ``band`` outlines the smallest and largest value behind every drawn mean."""

    run: int
    validation: bool
    path: str
    band: str = ""
    dots: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """One variant of a panel."""

    axis: str
    log: bool
    x_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Panel:
    """One quantity; ``last`` holds (run, text of its last values)."""

    title: str
    plots: list[Plot]
    last: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity of one run. Rows of ``points`` are (step, seconds, value); of ``means``, see ``_thin``."""

    run: int
    validation: bool
    points: np.ndarray
    means: np.ndarray


def panels(runs: Sequence[Run]) -> list[Panel]:
    """The panels some run has numbers for, in a fixed order."""
    drawn = []
    for key, title in PANELS.items():
        series = [one for index, run in enumerate(runs) for one in _series(index, run.training, key)]
        if series:
            plots = [plot for axis in ("step", "time") for log in (False, True) if (plot := _plot(series, axis, log))]
            drawn.append(Panel(title, plots, _last(series)))
    return drawn


def _series(index: int, rows: Sequence[Mapping[str, Any]], key: str) -> list[Series]:
    clock = np.array([[row["step"], row["elapsed_s"]] for row in rows if _is_number(row, "step", "elapsed_s")])
    found = []
    for name in (key, f"val_{key}"):
        points = [
            # A validation line carries no clock of its own: it is as old as the training step it follows.
            (row["step"], row.get("elapsed_s", _time_of(row["step"], clock)), row[name])
            for row in rows
            if _is_number(row, "step", name)
        ]
        if points:
            table = np.array(points, dtype=float)
            found.append(Series(index, name != key, table, _thin(table)))
    return found


def _is_number(row: Mapping[str, Any], *keys: str) -> bool:
    return all(isinstance(row.get(key), int | float) and math.isfinite(row[key]) for key in keys)


def _time_of(step: float, clock: np.ndarray) -> float:
    return float(np.interp(step, clock[:, 0], clock[:, 1])) if len(clock) else 0.0


def _plot(series: Sequence[Series], axis: str, log: bool) -> Plot | None:
    column = 0 if axis == "step" else 1
    longest = max(one.points[:, column].max() for one in series)
    unit, factor = ("steps", 1.0) if axis == "step" else _time_unit(longest)
    values = np.concatenate([one.means[:, 2] for one in series])
    if longest <= 0 or (log and values.max() <= 0):
        return None
    x = Scale(0, longest / factor, LEFT, RIGHT)
    y = Scale(*_domain(values, log), BOTTOM, TOP, log)
    lines = [_line(one, column, factor, x, y) for one in series]
    return Plot(axis, log, unit, x.ticks(), y.ticks(), lines)


def _time_unit(longest_s: float) -> tuple[str, float]:
    if longest_s <= 180:
        return "seconds", 1.0
    return ("minutes", 60.0) if longest_s <= 3 * 3600 else ("hours", 3600.0)


def _domain(values: np.ndarray, log: bool) -> tuple[float, float]:
    if log:
        positive = values[values > 0]
        return float(positive.min()) * 0.9, float(positive.max()) * 1.1
    low, high = float(values.min()), float(values.max())
    low = min(low, 0.0)
    return low, high + 0.05 * ((high - low) or abs(high) or 1.0)


def _thin(points: np.ndarray) -> np.ndarray:
    """Means over runs of neighbouring points: columns (step, seconds, mean, smallest, largest)."""
    size = -(-len(points) // MAX_POINTS)
    # Equal groups: a curve must not look calmer where more points were averaged.
    parts = [points[first : first + size] for first in range(0, len(points), size)]
    return np.array([[*part.mean(axis=0), part[:, 2].min(), part[:, 2].max()] for part in parts])


def _line(one: Series, column: int, factor: float, x: Scale, y: Scale) -> Line:
    rows = one.means[one.means[:, 3] > 0] if y.log else one.means
    across = [round(x(value / factor), 1) for value in rows[:, column]]
    mean, low, high = ([round(y.clamped(value), 1) for value in rows[:, index]] for index in (2, 3, 4))
    path = _path(list(zip(across, mean, strict=True)))
    if one.validation:
        return Line(one.run, True, path, dots=tuple(zip(across, mean, strict=True)))
    outline = [*zip(across, high, strict=True), *reversed(list(zip(across, low, strict=True)))]
    return Line(one.run, False, path, band=_path(outline))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{across:g} {down:g}" for across, down in points)


def _last(series: Sequence[Series]) -> list[tuple[int, str]]:
    texts: dict[int, list[str]] = {}
    validated = any(one.validation for one in series)
    for one in series:
        name = "validation " if one.validation else "training " if validated else ""
        texts.setdefault(one.run, []).append(name + f"{one.points[-1, 2]:.3g}")
    return [(run, ", ".join(parts)) for run, parts in texts.items()]
