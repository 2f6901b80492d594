"""Image augmentation on uint8 frames: random shift (DrQ, arXiv 2004.13649) and colour jitter.

The draw is the same for all frames of an episode in one batch, so a window stays consistent and a frame that two
windows share stays one frame; it differs between batches, episodes and (the shift) cameras.
"""

import numpy as np
from jaxtyping import Float, Int, UInt8
from pydantic import Field

from robovlms.core.config import Config
from robovlms.data.keyed import keyed_uniform

Frames = UInt8[np.ndarray, "f h w 3"]


class AugmentConfig(Config):
    """What is varied while training; 0 leaves a property as it is."""

    shift_px: int = Field(0, ge=0)
    """Largest shift up, down, left or right, in pixels at the training size; edges are repeated."""
    brightness: float = Field(0.0, ge=0, lt=1)
    """Largest relative change of all levels."""
    contrast: float = Field(0.0, ge=0, lt=1)
    """Largest relative change of the distance to mid-grey."""
    saturation: float = Field(0.0, ge=0, lt=1)
    """Largest relative change of the distance to the grey of the same pixel."""


def augment(frames: Frames, groups: Int[np.ndarray, " f"], config: AugmentConfig, seed: int, camera: int) -> Frames:
    """Vary frames; equal ``groups`` are varied equally. A pure function of its arguments."""
    if config.shift_px:
        draws = keyed_uniform(seed, groups[:, None], camera, np.arange(2))
        frames = shift(frames, np.floor(draws * (2 * config.shift_px + 1)).astype(int) - config.shift_px)
    if config.brightness or config.contrast or config.saturation:
        draws = keyed_uniform(seed, groups[:, None], -1, np.arange(3)) * 2 - 1
        frames = jitter(frames, 1 + draws * [config.brightness, config.contrast, config.saturation])
    return frames


def shift(frames: Frames, offsets: Int[np.ndarray, "f 2"]) -> Frames:
    """Move each frame by (rows, columns), less than its size; what enters at an edge repeats the edge."""
    height, width = frames.shape[1:3]
    moved = np.empty_like(frames)
    for source, target, (down, right) in zip(frames, moved, offsets.tolist(), strict=True):
        top, bottom = max(down, 0), height + min(down, 0)
        left, end = max(right, 0), width + min(right, 0)
        target[top:bottom, left:end] = source[top - down : bottom - down, left - right : end - right]
        target[top:bottom, :left] = target[top:bottom, left : left + 1]
        target[top:bottom, end:] = target[top:bottom, end - 1 : end]
        target[:top] = target[top]
        target[bottom:] = target[bottom - 1]
    return moved


def jitter(frames: Frames, factors: Float[np.ndarray, "f 3"]) -> Frames:
    """Scale brightness, contrast and saturation of each frame by its factors."""
    brightness, contrast, saturation = factors.astype(np.float32).T[:, :, None, None, None]
    gain, constant = brightness * contrast, brightness * (1 - contrast) * 127.5 + 0.5
    pixels = frames.astype(np.float32)
    rest = constant
    if (saturation != 1).any():
        grey = 0.299 * pixels[..., 0] + 0.587 * pixels[..., 1] + 0.114 * pixels[..., 2]
        rest = constant + gain * (1 - saturation) * grey[..., None]
    pixels *= gain * saturation
    pixels += rest
    return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)
