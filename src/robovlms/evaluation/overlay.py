"""What a rollout clip shows: the cameras, and below them the instruction, the latest actions and the gripper."""

from collections import deque
from collections.abc import Mapping
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from robovlms.actions.spec import ActionComponent, ActionSpec

VIEW = 256
"""Least height of a camera in the clip, in pixels; smaller images are enlarged by a whole factor."""
PANEL = 122
SECONDS_SHOWN = 6.0
"""Length of the action traces."""
GREEN, RED = (63, 185, 80), (248, 81, 73)
WHITE, GREY, LINE, INK = (240, 240, 242), (150, 150, 156), (58, 58, 64), (22, 22, 25)
AXES = ((255, 107, 107), (105, 219, 124), (92, 168, 255), (255, 212, 59), (204, 153, 255), (200, 200, 205))
"""Colours of a component's dimensions; x, y and z are red, green and blue, as robots draw their frames."""
SHORT = {"delta_position": "move", "delta_rotation": "turn"}
MARGIN, GAP, FINGERS = 12, 14, 52
STRIP_TOP, STRIP = 70, 40

Image = UInt8[np.ndarray, "_ _ 3"]
Colour = tuple[int, int, int]


class Overlay:
    """Draws one clip's frames, remembering the actions since the instruction."""

    def __init__(self, spec: ActionSpec):
        self._spec = spec
        self._actions: deque[np.ndarray] = deque(maxlen=max(2, round(SECONDS_SHOWN * spec.rate_hz)))
        self._caption, self._num_steps = "", 0

    def begin(self, caption: str) -> None:
        """A new instruction: traces and the step counter begin anew."""
        self._caption, self._num_steps = caption, 0
        self._actions.clear()

    def act(self, action: Float[np.ndarray, " a"]) -> None:
        """One control step."""
        self._actions.append(np.asarray(action, float))
        self._num_steps += 1

    def draw(self, images: Mapping[str, Image], verdict: str = "", success: bool = False) -> Image:
        """One frame; a ``verdict`` says how the task ended. Height and width are even, as video codecs need them."""
        views = [_enlarge(image) for image in images.values()]
        height, width = max(view.shape[0] for view in views), sum(view.shape[1] for view in views)
        picture = Picture.new("RGB", (width + width % 2, height + height % 2 + PANEL), INK)
        left = 0
        for view in views:
            picture.paste(Picture.fromarray(view), (left, 0))
            left += view.shape[1]
        pen, top = ImageDraw.Draw(picture), picture.height - PANEL
        colour = GREEN if success else RED
        self._write(pen, picture.width, top, verdict, colour)
        self._draw_actions(pen, picture.width, top + STRIP_TOP)
        if verdict:
            pen.rectangle((0, 0, picture.width - 1, picture.height - 1), outline=colour, width=5)
        return np.asarray(picture)

    def _write(self, pen: ImageDraw.ImageDraw, width: int, top: int, verdict: str, colour: Colour) -> None:
        room = width - 2 * MARGIN
        counter, (big, small) = f"step {self._num_steps}", (_font(16), _font(13))
        pen.text((MARGIN, top + 7), _fit(pen, self._caption, room, big), WHITE, big)
        pen.text((MARGIN, top + 29), counter, GREY, small)
        pen.text((MARGIN + pen.textlength(f"{counter}   ", small), top + 29), verdict, colour, small)

    def _draw_actions(self, pen: ImageDraw.ImageDraw, width: int, top: int) -> None:
        gripper = self._spec.gripper
        rest = [part for part in self._spec.components if part is not gripper]
        room = width - 2 * MARGIN - ((FINGERS + GAP) if gripper else 0)
        strip = (room - GAP * (len(rest) - 1)) // max(1, len(rest))
        left = MARGIN
        for part in rest:
            _draw_strip(
                pen, (left, top, left + strip, top + STRIP), part, self._column(part), self._actions.maxlen or 2
            )
            left += strip + GAP
        if gripper:
            _draw_gripper(pen, width - MARGIN - FINGERS, top, gripper, self._column(gripper))

    def _column(self, part: ActionComponent) -> Float[np.ndarray, "t _"]:
        columns = self._spec.slice_of(part.name)
        return np.array([action[columns] for action in self._actions]).reshape(-1, part.dims)


def _draw_strip(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], part: ActionComponent, values: np.ndarray, window: int
) -> None:
    """Curves over time, from the component's low to its high; where it has no bounds, to the largest seen."""
    left, top, right, bottom = box
    _name_axes(pen, left, top - 17, part)
    low, high = part.low, part.high
    if low is None or high is None:
        high = max(1e-6, float(np.abs(values).max(initial=0.0)))
        low = -high
    pen.line((left, (top + bottom) // 2, right, (top + bottom) // 2), LINE)
    xs = left + (right - left) * np.arange(len(values)) / (window - 1)
    shares = np.clip((values - low) / (high - low), 0, 1)
    for axis in range(part.dims):
        points = list(zip(xs, bottom - (bottom - top) * shares[:, axis], strict=True))
        if len(points) > 1:
            pen.line(points, AXES[axis % len(AXES)], 2)


def _name_axes(pen: ImageDraw.ImageDraw, left: float, top: int, part: ActionComponent) -> None:
    font = _font(11)
    words = SHORT.get(part.kind, part.name.replace("_", " "))
    pen.text((left, top), words, GREY, font)
    left += pen.textlength(f"{words}  ", font)
    for axis, letter in enumerate("xyz" if part.dims == len("xyz") else ""):
        pen.text((left, top), letter, AXES[axis], font)
        left += pen.textlength(f"{letter} ", font)


def _draw_gripper(pen: ImageDraw.ImageDraw, left: int, top: int, part: ActionComponent, values: np.ndarray) -> None:
    """Two fingers as far apart as they are commanded to be."""
    known = part.gripper_closed is not None and part.gripper_open is not None
    closed, opened = (part.gripper_closed, part.gripper_open) if known else (part.low or 0.0, part.high or 1.0)
    share = float(np.clip((values[-1, 0] - closed) / (opened - closed), 0, 1)) if len(values) else None
    word = "gripper" if share is None else "open" if share > 0.5 else "closed"
    pen.text((left, top - 17), word, GREY if share is None else WHITE, _font(11))
    middle, apart = left + FINGERS // 2, 1 + round(15 * (1.0 if share is None else share))
    pen.rectangle((middle - 22, top + 2, middle + 22, top + 8), fill=GREY)
    for edge in (middle - apart - 6, middle + apart):
        pen.rectangle((edge, top + 8, edge + 6, top + STRIP - 4), fill=WHITE if share is not None else GREY)


def _enlarge(image: Image) -> Image:
    factor = max(1, -(-VIEW // image.shape[0]))
    return image.repeat(factor, 0).repeat(factor, 1)


def _fit(pen: ImageDraw.ImageDraw, text: str, room: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while pen.textlength(text, font) > room:
        text = text[:-2].rstrip(" …") + "…"
    return text


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
