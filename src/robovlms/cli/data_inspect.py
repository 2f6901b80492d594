"""How an inspection is told in the terminal and as JSON."""

from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console, Group
from rich.progress import Progress
from rich.style import Style
from rich.table import Table
from rich.text import Text

from robovlms.cli.skipped import tell_skipped
from robovlms.data.inspection import Inspection, Part, histogram, inspect
from robovlms.data.source import SourceConfig
from robovlms.reports.scales import compact, seconds

BLOCKS = " ▁▂▃▄▅▆▇█"
MOST_LINES = 12
"""Of tasks and of instructions."""
PICTURE = 18
"""Side of a picture in characters; a character holds two pixels, one above the other."""


def look(config: SourceConfig, sheet: int, quiet: bool) -> Inspection:
    """Inspect the data; see ``data.inspection.inspect``."""
    source = config.open()
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        bar = progress.add_task("looking", total=len(source))
        kind = str(getattr(config, "kind", ""))
        return inspect(source, str(config.path), kind, sheet, lambda: progress.advance(bar), config.skip_bad)


def tell(found: Inspection, console: Console) -> None:
    """Print all of it."""
    lengths = np.array(found.lengths)
    duration = seconds(found.num_frames / found.rate_hz)
    console.print(found.path, style="bold", markup=False)
    console.print(
        f"{found.kind}: {len(lengths)} episodes, {found.num_frames} frames at {found.rate_hz:g} Hz ({duration})"
    )
    console.print(f"frames an episode: {lengths.min()} to {lengths.max()}, median {np.median(lengths):g}  ", end="")
    console.print(spark(histogram(lengths)), markup=False)
    for camera in found.cameras:
        console.print(f"camera {camera.name}: {camera.width} x {camera.height}", markup=False)
    for heading, counts in (("task", found.tasks), ("instruction", found.instructions)):
        if list(counts) != [""]:
            console.print(_counted(heading, counts))
    for heading, parts in (("action", found.actions), ("state", found.state)):
        if parts:
            console.print(_numbers(heading, parts))
    tell_skipped(found.skipped, console)
    if console.is_terminal and console.color_system:
        console.print(_sheet(found, console.width))


def as_dict(found: Inspection) -> dict[str, Any]:
    """All but the images."""
    parts = {name: [asdict(part) for part in getattr(found, name)] for name in ("actions", "state")}
    cameras = [camera.model_dump() for camera in found.cameras]
    plain = {name: getattr(found, name) for name in ("path", "kind", "rate_hz", "lengths", "tasks", "instructions")}
    skipped = [asdict(one) for one in found.skipped]
    return plain | {"num_frames": found.num_frames, "cameras": cameras, "skipped": skipped} | parts


def spark(counts: tuple[int, ...]) -> str:
    """A histogram in one line; what is there at all is seen."""
    most = max(counts)
    return "".join(BLOCKS[-(-count * (len(BLOCKS) - 1) // most)] for count in counts)


def picture(frame: np.ndarray, width: int = PICTURE) -> Text:
    """An image (h, w, 3) in coloured half blocks."""
    height = max(2, round(width * frame.shape[0] / frame.shape[1] / 2) * 2)
    pixels = np.asarray(Image.fromarray(frame).resize((width, height))).tolist()
    text = Text()
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("▀", Style(color="rgb({},{},{})".format(*above), bgcolor="rgb({},{},{})".format(*below)))
        text.append("\n")
    return text


def _sheet(found: Inspection, width: int) -> Group:
    """The middle frame of as many strips as fit side by side, a line a camera."""
    lines = []
    for camera in found.cameras:
        strips = [strip for strip in found.strips if strip.camera == camera.name][: max(1, width // (PICTURE + 1))]
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(*(picture(strip.frames[len(strip.frames) // 2]) for strip in strips))
        lines += [Text(f"{camera.name}, episodes {', '.join(str(strip.episode) for strip in strips)}"), grid]
    return Group(*lines)


def _counted(heading: str, counts: Any) -> Table:
    listed = Table(show_edge=False)
    listed.add_column(f"{heading} ({len(counts)})", overflow="fold")
    listed.add_column("episodes", justify="right")
    for text, count in list(counts.items())[:MOST_LINES]:
        listed.add_row(Text(text or "(none)"), str(count))
    if len(counts) > MOST_LINES:
        listed.add_row(f"{len(counts) - MOST_LINES} more", "", style="dim")
    return listed


def _numbers(heading: str, parts: tuple[Part, ...]) -> Table:
    listed = Table(show_edge=False)
    listed.add_column(heading, overflow="fold")
    listed.add_column("histogram", no_wrap=True)
    for name in ("min", "mean", "max"):
        listed.add_column(name, justify="right", no_wrap=True)
    for part in parts:
        listed.add_row(Text(f"{part.name}: {part.meaning}"), "", style="dim")
        for number in part.numbers:
            values = (compact(value) for value in (number.low, number.mean, number.high))
            listed.add_row(Text(f" {number.name}"), spark(number.counts), *values)
    return listed
