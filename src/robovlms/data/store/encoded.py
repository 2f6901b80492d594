"""Frames kept as image files, one behind the other, and decoded when they are asked for."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt8

from robovlms.actions.spec import Camera, ImageSpec
from robovlms.core.types import Episode
from robovlms.data.images import Frames, decode_images, encode_image, fit_image
from robovlms.data.source import EpisodeSource


@runtime_checkable
class HasImageFiles(Protocol):
    """A source that records frames as image files."""

    def image_files(self, index: int, cameras: Sequence[str]) -> dict[str, list[bytes]]:
        """PNG or JPEG of each frame of an episode, by camera; without those that are recorded otherwise."""
        ...


def files_of(source: EpisodeSource, index: int, episode: Episode) -> dict[str, list[bytes]]:
    """An image file for each frame of an episode: as it is recorded, or a JPEG of what is recorded otherwise."""
    names = list(episode.images)
    recorded = source.image_files(index, names) if isinstance(source, HasImageFiles) else {}
    return {
        name: recorded.get(name) or [encode_image(frame, "jpeg") for frame in episode.images[name]] for name in names
    }


class EncodedFrames:
    """The frames of a camera, indexed like an array of their pixels: by a slice, or by rows in any order.

    An empty file is of a camera that an embodiment does not have: black.
    """

    def __init__(
        self,
        files: UInt8[np.ndarray, " bytes"],
        ends: Int64[np.ndarray, " n"],
        camera: Camera,
        image: ImageSpec | None,
    ):
        """Prepare to decode; ``ends`` are of each file in ``files``, ``image`` the pixels that are wanted."""
        self._files, self._ends, self._camera, self._image = files, ends, camera, image

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Frames, height, width and colours."""
        return len(self), self._camera.height, self._camera.width, 3

    def __getitem__(self, rows: slice | np.ndarray) -> Frames:
        numbers = np.arange(len(self))[rows]
        found = np.zeros((len(numbers), *self.shape[1:]), np.uint8)
        files = [self._file(number) for number in numbers.tolist()]
        seen = [place for place, file in enumerate(files) if file]
        wheres = [f"The cache, camera '{self._camera.name}', frame {numbers[place]}" for place in seen]
        for place, pixels in zip(seen, decode_images([files[place] for place in seen], wheres), strict=True):
            found[place] = fit_image(pixels, self._image) if self._image else pixels
        return found

    def _file(self, number: int) -> bytes:
        start = self._ends[number - 1] if number else 0
        return self._files[start : self._ends[number]].tobytes()
