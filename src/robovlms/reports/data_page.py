"""One offline HTML file of what a data set holds, in the style of the reports of runs."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from robovlms.data.inspection import Inspection, Strip, histogram
from robovlms.reports.html import environment, write_page
from robovlms.reports.scales import Scale, compact, seconds

HEIGHT = 56
MOST_PIXELS = 128
"""Height of a picture on the contact sheet."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram: (x and width in percent, y and height in pixels) of each bar, and (x, text) of its ticks."""

    bars: list[tuple[float, float, float, float]]
    ticks: list[tuple[float, str]]


def write_data_page(found: Inspection, out: Path) -> Path:
    """Write the page and return its path; a directory gets ``data.html``.

    Raises:
        UserError: It cannot be written.
    """
    return write_page(render(found), out, "data.html")


def render(found: Inspection) -> str:
    """The page as text; every string that comes from the data is escaped."""
    lengths = np.array(found.lengths)
    return (
        environment()
        .get_template("data.html.j2")
        .render(
            data=found,
            duration=seconds(found.num_frames / found.rate_hz),
            lengths=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())),
            length_bars=bars(histogram(lengths), float(lengths.min()), float(lengths.max())),
            bars=lambda number: bars(number.counts, number.low, number.high),
            picture=picture,
            height=HEIGHT,
        )
    )


def bars(counts: Sequence[int], low: float, high: float) -> Bars:
    """A histogram from ``low`` to ``high``; a middle bar where all values are the same."""
    y = Scale(0, max(counts), HEIGHT, 0)
    width = 100 / len(counts)
    drawn = [(i * width, width * 0.9, y(count), HEIGHT - y(count)) for i, count in enumerate(counts) if count]
    ends = [(0.0, compact(low)), (100.0, compact(high))]
    rounded = [(round(x, 2), round(wide, 2), round(top, 1), round(tall, 1)) for x, wide, top, tall in drawn]
    return Bars(rounded, ends if high > low else [(50.0, compact(low))])


def picture(strip: Strip) -> str:
    """The frames of a strip side by side, as the data address of a JPEG."""
    image = Image.fromarray(np.concatenate(list(strip.frames), axis=1))
    if image.height > MOST_PIXELS:
        image = image.resize((round(image.width * MOST_PIXELS / image.height), MOST_PIXELS))
    content = io.BytesIO()
    image.save(content, format="jpeg", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
