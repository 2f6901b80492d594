"""Statistics that were stored with the data, or are given, against its numbers."""

import numpy as np

from robovlms.data.doctor.examined import Examined, Stored
from robovlms.data.doctor.finding import Finding

MEAN = 0.3
"""How far the means may be apart, in deviations: the file may be of the training episodes only."""
STD = 1.5
"""Ratio of the deviations."""
RANGE = 0.02
"""How far a number may lie outside the stored range, as a share of it."""


def check(data: Examined) -> list[Finding]:
    """Every file's mean, deviation and range, dimension by dimension."""
    return [finding for stored in data.stored if (finding := _compare(data, stored))]


def _compare(data: Examined, stored: Stored) -> Finding | None:
    parts = [one.actions if stored.of == "action" else one.state for one in data.recordings]
    rows = np.concatenate(parts).astype(np.float64)
    dims = len(stored.columns["mean"])
    remedy = "It is of another data set or another version: make it again (robovlms data stats)."
    if rows.shape[1] != dims:
        seen = f"{stored.file}: statistics of {dims} numbers, the {stored.of} has {rows.shape[1]}"
        return Finding("statistics", "error", seen, "one for each number", remedy)
    for dim in range(dims):
        own = {"mean": rows[:, dim].mean(), "std": rows[:, dim].std(), "min": rows[:, dim].min()}
        own["max"] = rows[:, dim].max()
        different = _different({name: float(column[dim]) for name, column in stored.columns.items()}, own)
        if different:
            seen = f"{stored.file}: {stored.of} dimension {dim}: {different}"
            return Finding("statistics", "error", seen, "statistics of this data", remedy)
    return None


def _different(file: dict[str, float], own: dict[str, float]) -> str:
    size = max(file["std"], own["std"], 1e-9)
    small = min(file["std"], own["std"])
    slack = RANGE * (file["max"] - file["min"]) + 1e-6
    if abs(file["mean"] - own["mean"]) > MEAN * size:
        return f"mean {file['mean']:.4g}, the data's is {own['mean']:.4g}"
    if size > STD * small and size > 1e-6:
        return f"deviation {file['std']:.4g}, the data's is {own['std']:.4g}"
    if own["min"] < file["min"] - slack or own["max"] > file["max"] + slack:
        return f"range {file['min']:.4g} to {file['max']:.4g}, the data's is {own['min']:.4g} to {own['max']:.4g}"
    return ""
