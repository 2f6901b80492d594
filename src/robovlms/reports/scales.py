"""Axes for hand-drawn charts: a mapping from values to positions, and the ticks to print."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps ``low..high`` onto ``start..stop`` (any length unit), linearly or in decades."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Position of ``value``; values outside the domain land outside the range."""
        low, high = self._warp(self.low), self._warp(self.high)
        return self.start + (self._warp(value) - low) / ((high - low) or 1.0) * (self.stop - self.start)

    def clamped(self, value: float) -> float:
        """Position of ``value`` after limiting it to the domain."""
        return self(min(max(value, self.low), self.high))

    def _warp(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def ticks(self) -> list[tuple[float, str]]:
        """Position and text of four to seven round tick marks."""
        values = _decades(self.low, self.high) if self.log else _round_steps(self.low, self.high)
        return [(self(value), compact(value)) for value in values]


def _round_steps(low: float, high: float, count: int = 5) -> list[float]:
    rough = ((high - low) or 1.0) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - rough))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        values = [m * 10.0**p for p in powers for m in multiples]
        inside = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(inside) >= 3:
            # Many decades: every second or third one, so that the labels never collide.
            return inside[:: math.ceil(len(inside) / 7)]
    return _round_steps(low, high)


def compact(value: float) -> str:
    """Short text for an axis or a cell, three digits: 0.05, 12.5, 1.2k, 3M, 2e-5."""
    size = abs(value)
    if size and size < 1e-3:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """A duration for people: 42 s, 7 min 05 s, 2 h 04 min."""
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
