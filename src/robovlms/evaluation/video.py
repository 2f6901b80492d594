"""Rollout clips: the cameras side by side, the instruction and the step below them, a green frame at each success."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from robovlms.core.protocols import World
from robovlms.core.types import Observation

VIEW = 256
"""Least height of a camera in the clip, in pixels; smaller images are enlarged by a whole factor."""
CAPTION = 48
SUCCESS_SECONDS = 0.5
GREEN, WHITE, GREY, INK = (46, 160, 67), (245, 245, 245), (150, 150, 150), (24, 24, 27)

Image = UInt8[np.ndarray, "_ _ 3"]


@runtime_checkable
class DrawsAnySize(Protocol):
    """A world that can draw its cameras at any size, beside the observations."""

    def render(self, camera: str, size: int) -> Image:
        """The image of a camera, ``size`` pixels square."""
        ...


class VideoRecorder:
    """Writes one mp4 (H.264 where the libraries have it, else MPEG-4); the file appears when it is finished.

    A world that draws at any size is drawn at ``VIEW`` pixels; of another, the images of its observations are enlarged.
    """

    def __init__(self, path: Path, world: World):
        self._path, self._world = path, world
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._rate_hz = world.observation_spec.rate_hz
        self._container = self._stream = None

    @property
    def needs_images(self) -> bool:
        """Whether each step's observation must be rendered."""
        return not isinstance(self._world, DrawsAnySize)

    def add(self, observation: Observation, caption: str, step: int, success: bool) -> None:
        """Add one control step; a success stands still for half a second. A world without cameras records nothing."""
        images = self._images(observation)
        if not images:
            return
        frame = draw(images, caption, step, success)
        if self._container is None:
            self._open(frame)
        for _ in range(max(1, round(SUCCESS_SECONDS * self._rate_hz)) if success else 1):
            self._mux(frame)

    def _images(self, observation: Observation) -> Mapping[str, Image]:
        if isinstance(self._world, DrawsAnySize):
            names = self._world.observation_spec.camera_names
            return {name: self._world.render(name, VIEW) for name in names}
        return observation.images

    def finish(self) -> None:
        """Close the file and put it in its place."""
        if self._container is not None:
            self._mux(None)
            self._container.close()
            self._temporary.replace(self._path)
            self._container = None

    def drop(self) -> None:
        """Leave no file."""
        if self._container is not None:
            self._container.close()
            self._temporary.unlink(missing_ok=True)
            self._container = None

    def _open(self, frame: Image) -> None:
        import av

        self._path.parent.mkdir(parents=True, exist_ok=True)
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        # The index goes to the front, so that a browser plays the file before it has all of it.
        self._container = av.open(self._temporary, "w", format="mp4", options={"movflags": "faststart"})
        self._stream = self._container.add_stream(codec, rate=max(1, round(self._rate_hz)))
        self._stream.height, self._stream.width = frame.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"preset": "veryfast"} if codec == "libx264" else {}
        self._stream.thread_count = 1

    def _mux(self, frame: Image | None) -> None:
        """Encode a frame; None drains what the encoder still holds."""
        import av

        assert self._container is not None
        assert self._stream is not None
        picture = None if frame is None else av.VideoFrame.from_ndarray(frame, format="rgb24")
        self._container.mux(self._stream.encode(picture))


def draw(images: Mapping[str, Image], caption: str, step: int, success: bool) -> Image:
    """One frame of a clip; height and width are even, as video codecs need them."""
    views = [_enlarge(image) for image in images.values()]
    height = max(view.shape[0] for view in views)
    width = sum(view.shape[1] for view in views)
    picture = Picture.new("RGB", (width + width % 2, height + height % 2 + CAPTION), INK)
    left = 0
    for view in views:
        picture.paste(Picture.fromarray(view), (left, 0))
        left += view.shape[1]
    pen = ImageDraw.Draw(picture)
    _write_caption(pen, picture, caption, f"{'done at ' if success else ''}step {step}", success)
    if success:
        pen.rectangle((0, 0, picture.width - 1, picture.height - 1), outline=GREEN, width=6)
    return np.asarray(picture)


def _enlarge(image: Image) -> Image:
    factor = max(1, -(-VIEW // image.shape[0]))
    return image.repeat(factor, 0).repeat(factor, 1)


def _write_caption(pen: ImageDraw.ImageDraw, picture: Picture.Image, caption: str, counter: str, success: bool) -> None:
    font, top = _font(), picture.height - CAPTION
    room = picture.width - 20
    while pen.textlength(caption, font) > room:
        caption = caption[:-2].rstrip(" …") + "…"
    pen.text((10, top + 6), caption, WHITE, font)
    pen.text((10, top + 26), counter, GREEN if success else GREY, font)


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(15)
