"""Pixels in files: PNG and JPEG through Pillow, mp4 through PyAV.

Pillow lets other threads run while it decodes, so ``decode_images`` uses a few for large images. An mp4 is lossy also
at its best quality (4:2:0 chroma): PNG is the default for small renderings, mp4 is for large recordings.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from robovlms.actions.spec import ImageSpec
from robovlms.core.errors import CorruptData

ImageFormat = Literal["png", "jpeg", "mp4"]
RGB = UInt8[np.ndarray, "_ _ 3"]
Frames = UInt8[np.ndarray, "t _ _ 3"]

# Below this mean size handing an image to a thread costs more than decoding it (a 64 px PNG takes 0.16 ms).
_LARGE_BYTES = 32_000
JPEG_QUALITY = 95
_BROKEN = (OSError, IndexError, OverflowError, AttributeError, UnicodeDecodeError)
"""What PyAV raises for damaged files, besides its own errors."""
_RESAMPLE = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}


def encode_image(pixels: RGB, image_format: Literal["png", "jpeg"] = "png") -> bytes:
    """One image as the bytes of a file; the same pixels always give the same bytes."""
    buffer = io.BytesIO()
    options: dict[str, Any] = {"compress_level": 3} if image_format == "png" else {"quality": JPEG_QUALITY}
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


def decode_image(data: bytes, where: str) -> RGB:
    """The pixels of a PNG or JPEG.

    Raises:
        CorruptData: The bytes are no image, or are cut short; the message starts with ``where``.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        unknown = isinstance(error, UnidentifiedImageError)  # whose message is an address in memory
        reason = "it is no image file" if unknown else error
        raise CorruptData(f"{where}: the image cannot be decoded ({reason}). Copy or create the file again.") from None


def decode_images(files: Sequence[bytes], wheres: Sequence[str], threads: int = 2) -> list[RGB]:
    """``decode_image`` of many, in order; large images are shared among threads."""
    if sum(map(len, files)) < _LARGE_BYTES * len(files):
        return [decode_image(data, where) for data, where in zip(files, wheres, strict=True)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(decode_image, files, wheres))


def fit_image(pixels: RGB, spec: ImageSpec) -> RGB:
    """One image at ``spec.size`` squared: stretched, padded with black, or cropped at the centre, then resampled."""
    image = Image.fromarray(pixels)
    width, height = image.size
    if spec.fit != "stretch" and width != height:
        side = max(width, height) if spec.fit == "pad" else min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))  # outside the image Pillow crops black
    if image.size != (spec.size, spec.size):
        image = image.resize((spec.size, spec.size), _RESAMPLE[spec.resample])
    return np.asarray(image)


def encode_video(frames: Frames, fps: float) -> bytes:
    """Frames as an H.264 mp4 with a key frame every second frame; one thread, so the bytes never vary."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "16", "g": "2", "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class VideoPart:
    """The frames of an episode in a video file, from ``from_s`` seconds on.

    ``num_frames`` is how many the file has from there on, or None where another episode may follow.
    """

    path: Path
    from_s: float = 0.0
    num_frames: int | None = None


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the head of a video file says: pixels, and frames a second."""

    height: int
    width: int
    rate_hz: float


def inspect_video(path: Path) -> VideoFacts:
    """Size and rate of a video; raises ``CorruptData`` when it is missing, damaged or no video."""
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            facts = VideoFacts(stream.height, stream.width, float(stream.average_rate or 0))
    except (av.FFmpegError, *_BROKEN) as error:
        raise CorruptData(f"{path}: the video cannot be read ({error}). Copy or create the file again.") from None
    if min(facts.height, facts.width, facts.rate_hz) <= 0:
        raise CorruptData(f"{path}: got {facts}, expected a size and a rate. Copy or create the file again.")
    return facts


def decode_video(part: VideoPart, num_frames: int, fps: float, skip: int = 0) -> Frames:
    """``num_frames`` frames of a part, after ``skip`` frames of it.

    Raises:
        CorruptData: The file is missing, damaged, or has another number of frames or another rate.
    """
    import av

    first = part.from_s + (skip - 0.5) / fps  # half a frame of slack: timestamps in the metadata are rounded
    path, limit = part.path, num_frames + (part.num_frames == skip + num_frames)
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            container.seek(int(max(first, 0) * av.time_base))
            wanted = (frame for frame in container.decode(stream) if frame.time is None or frame.time >= first)
            found = [
                (frame.is_corrupt, frame.to_ndarray(format="rgb24"), frame.time) for frame in islice(wanted, limit)
            ]
    except (av.FFmpegError, *_BROKEN) as error:
        raise CorruptData(f"{path}: the video cannot be read ({error}). Copy or create the file again.") from None
    if len(found) != num_frames:
        more = "more than " if len(found) > num_frames else ""
        raise CorruptData(
            f"{path}: got {more}{min(len(found), num_frames)} frames from {max(first, 0):g} s on, "
            f"expected {num_frames}. Copy or create the data set again."
        )
    damaged = [skip + number for number, (corrupt, *_) in enumerate(found) if corrupt]
    if damaged:
        raise CorruptData(f"{path}: frame {damaged[0]} is damaged. Copy or create the file again.")
    begin, end = found[0][2], found[-1][2]
    if begin is not None and end is not None and abs(end - begin - (num_frames - 1) / fps) > 0.5 / fps:
        raise CorruptData(
            f"{path}: {num_frames} frames from {max(first, 0):g} s on take {end - begin:g} s, expected "
            f"{(num_frames - 1) / fps:g} s at {fps:g} frames a second. Correct the rate, or create the data set again."
        )
    return np.stack([pixels for _, pixels, _ in found])
