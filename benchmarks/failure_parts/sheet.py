"""Sheets to label from: a row of pictures, what the trace says in words, and three curves. Nothing tells who played."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from failure_parts.traces import Attempt
from PIL import Image, ImageDraw, ImageFont

PLOT = 70
INK, GRID = (30, 30, 34), (215, 215, 218)
COLOURS = {"distance": (200, 60, 40), "height": (50, 90, 200), "speed": (60, 150, 70)}
FULL_M = {"distance": 0.3, "height": 0.3, "speed": 0.04}
"""What fills the height of the plot; speed is a control step's."""


@dataclass(frozen=True)
class Seen:
    """An attempt and its pictures (n, h, w, 3)."""

    attempt: Attempt
    pictures: np.ndarray


def sheet(rows: Sequence[Seen]) -> Image.Image:
    """Some attempts below one another."""
    parts = [_row(one) for one in rows]
    page = Image.new("RGB", (max(p.width for p in parts), sum(p.height for p in parts)), "white")
    top = 0
    for part in parts:
        page.paste(part, (0, top))
        top += part.height
    return page


def _row(one: Seen) -> Image.Image:
    num, size = one.pictures.shape[:2]
    lines = words(one.attempt)
    head = 18 * (1 + len(lines)) + 6
    picture = Image.new("RGB", (num * size, head + size + PLOT + 10), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    attempt = one.attempt
    pen.text((4, 2), f"[{attempt.id}] {attempt.task}: “{attempt.instruction}”", (0, 0, 0), ImageFont.load_default(15))
    for i, line in enumerate(lines, 1):
        pen.text((4, 2 + 18 * i), line, INK, font)
    for i, image in enumerate(one.pictures):
        picture.paste(Image.fromarray(image), (i * size, head))
        pen.text((i * size + 3, head + 2), str(10 * i), "white", font)
    _plot(pen, attempt, (0, head + size + 2), (num - 1) * size)
    return picture


def words(attempt: Attempt) -> list[str]:
    """Steps at which things were held, touched and moved."""
    trace = attempt.trace
    runs = {"closed": _runs([m.closed for m in trace])}
    for kind in ("held", "touched"):
        names = sorted({name for m in trace for name in _names(m, kind)})
        for name in names:
            runs[f"{kind} {name}"] = _runs([name in _names(m, kind) for m in trace])
    first = " | ".join(f"{name} {steps}" for name, steps in runs.items() if steps)
    moved = {name: [1000 * float(np.linalg.norm(m.objects[name] - trace[0].objects[name])) for m in trace]
             for name in trace[0].objects}  # fmt: skip
    far = ", ".join(
        f"{name} {values[-1]:.0f} (most {max(values):.0f})" for name, values in moved.items() if max(values) > 3
    )
    lit = ", ".join(f"{name} at {i}" for i in range(1, len(trace)) for name in trace[i].lit ^ trace[i - 1].lit)
    near = 1000 * distances(attempt)
    way = f"start {near[0]:.0f}, least {near.min():.0f} at {near.argmin()}, end {near[-1]:.0f}"
    last = f"moved mm: {far or 'nothing'}; switched: {lit or 'nothing'}; target distance mm: {way}"
    return [first[i : i + 230] for i in range(0, len(first), 230)] + [last]


def _names(moment, kind) -> set[str]:
    return ({moment.held} - {None}) if kind == "held" else set(moment.touched)


def _runs(values: Sequence[bool]) -> str:
    found, start = [], 0
    for value, group in groupby(values):
        length = len(list(group))
        found += [f"{start}-{start + length - 1}"] if value else []
        start += length
    return ",".join(found[:12]) + (f" (+{len(found) - 12})" if len(found) > 12 else "")


def distances(attempt: Attempt) -> np.ndarray:
    """From the tool to the nearest object aimed at; from the held object to where it goes, once it is held."""
    return np.array([_distance(attempt, moment) for moment in attempt.trace])


def _distance(attempt: Attempt, moment) -> float:
    aim = attempt.aim
    names, point = (
        (aim.goals, moment.objects[moment.held])
        if aim.goals and moment.held in aim.objects
        else (aim.objects, moment.tool)
    )
    return min((float(np.linalg.norm(moment.objects[name] - point)) for name in names), default=np.nan)


def _plot(pen, attempt: Attempt, corner, width: int) -> None:
    trace = attempt.trace
    tools = np.array([m.tool for m in trace])
    curves = {
        "distance": distances(attempt),
        "height": tools[:, 2] + 0.075,
        "speed": np.concatenate([[0], np.linalg.norm(np.diff(tools, axis=0), axis=1)]),
    }
    left, top = corner
    pen.rectangle((left, top, left + width, top + PLOT), outline=GRID)
    for name, values in curves.items():
        shares = np.clip(values / FULL_M[name], 0, 1)
        points = [(left + width * i / (len(trace) - 1), top + PLOT * (1 - s)) for i, s in enumerate(shares)]
        pen.line(points, COLOURS[name], 2)
    for i, name in enumerate(curves):
        pen.text(
            (left + width + 6, top + 4 + 20 * i),
            f"{name} /{FULL_M[name]:g} m",
            COLOURS[name],
            ImageFont.load_default(12),
        )
