"""An episode on its way to a file: images already compressed, pixel statistics already counted.

``encode_episode`` is the costly part and needs nothing but the episode, so worker processes run it and the parent
only appends (see ``lerobot_writer``): the bytes of a data set then do not depend on the number of processes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from robovlms.core.errors import UserError
from robovlms.core.types import Episode
from robovlms.data.images import Frames, ImageFormat, encode_image, encode_video


@dataclass(frozen=True, slots=True)
class EncodedEpisode:
    """One episode ready to be appended; picklable.

    Attributes:
        files: Camera name to the image files of each frame, or to one mp4 of all frames.
        shapes: Camera name to (height, width).
        histograms: Camera name to how often each level of each channel occurs.
    """

    files: Mapping[str, tuple[bytes, ...]]
    shapes: Mapping[str, tuple[int, int]]
    histograms: Mapping[str, Int64[np.ndarray, "3 256"]]
    state: Float32[np.ndarray, "t _"]
    actions: Float32[np.ndarray, "t a"]
    instruction: str
    task: str
    info: Mapping[str, Any]
    image_format: ImageFormat

    def __len__(self) -> int:
        return len(self.actions)


def encode_episode(episode: Episode, fps: float, image_format: ImageFormat = "png") -> EncodedEpisode:
    """Compress the images of an episode and count its pixels.

    Raises:
        UserError: The episode is empty, its arrays differ in length, or a number is not finite.
    """
    _check(episode)
    images = {name: np.asarray(frames) for name, frames in episode.images.items()}
    return EncodedEpisode(
        files={name: _compress(frames, fps, image_format) for name, frames in images.items()},
        shapes={name: (frames.shape[1], frames.shape[2]) for name, frames in images.items()},
        histograms={name: _histogram(frames) for name, frames in images.items()},
        state=episode.state.astype(np.float32),
        actions=episode.actions.astype(np.float32),
        instruction=episode.instruction,
        task=episode.task,
        info=dict(episode.info),
        image_format=image_format,
    )


def _check(episode: Episode) -> None:
    lengths = {name: len(frames) for name, frames in episode.images.items()}
    lengths |= {"state": len(episode.state), "actions": len(episode.actions)}
    if len(set(lengths.values())) != 1 or len(episode) == 0:
        raise UserError(f"An episode needs one observation for each action, and at least one: got lengths {lengths}.")
    for name, values in (("state", episode.state), ("actions", episode.actions)):
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise UserError(f"Episode '{episode.instruction}': {name} of frame {row} is not finite: {values[row]}.")


def _compress(frames: Frames, fps: float, image_format: ImageFormat) -> tuple[bytes, ...]:
    if image_format == "mp4":
        return (encode_video(frames, fps),)
    return tuple(encode_image(frame, image_format) for frame in frames)


def _histogram(frames: Frames) -> Int64[np.ndarray, "3 256"]:
    return np.stack([np.bincount(frames[..., channel].ravel(), minlength=256) for channel in range(3)])
