"""The frames of one camera while a store is filled: as pixels of one size, or as image files."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.core.errors import UserError
from robovlms.data.images import Frames, fit_image
from robovlms.data.store.growing import Growing
from robovlms.data.store.place import Place


class Column(ABC):
    """What ``store.fill`` writes a camera's frames to."""

    @abstractmethod
    def go_on(self, rows: int) -> None:
        """Begin behind the first ``rows`` frames."""

    @abstractmethod
    def put(self, at: slice, frames: Frames | None, files: Sequence[bytes], where: str) -> None:
        """Write an episode; ``frames`` are None where its embodiment has no such camera."""

    @abstractmethod
    def cut(self, rows: int, place: Place) -> None:
        """Keep the first ``rows`` frames."""


@dataclass
class Pixels(Column):
    """Frames brought to one size."""

    name: str
    array: UInt8[np.ndarray, "_ _ _ 3"]
    image: ImageSpec | None

    @override
    def go_on(self, rows: int) -> None:
        pass  # rows are overwritten in place

    @override
    def put(self, at: slice, frames: Frames | None, files: Sequence[bytes], where: str) -> None:
        self.array[at] = 0 if frames is None else self._fitted(frames, where)

    @override
    def cut(self, rows: int, place: Place) -> None:
        self.array = place.cut(self.name, self.array, rows)

    def _fitted(self, frames: Frames, where: str) -> Frames:
        shape = self.array.shape[1:]
        if frames.shape[1:] == shape:
            return frames
        if self.image is None:
            raise UserError(
                f"{where}: got images of shape {frames.shape[1:]}, expected {shape}. Give one image size for all."
            )
        return np.stack([fit_image(frame, self.image) for frame in frames])


@dataclass
class Files(Column):
    """Image files, one behind the other; an empty one where there is no such camera."""

    name: str
    ends: Int64[np.ndarray, " n"]
    files: Growing

    @override
    def go_on(self, rows: int) -> None:
        self.files.go_on(int(self.ends[rows - 1]) if rows else 0)

    @override
    def put(self, at: slice, frames: Frames | None, files: Sequence[bytes], where: str) -> None:
        kept = files if frames is not None else [b""] * (at.stop - at.start)
        self.ends[at] = [self.files.append(file) for file in kept]

    @override
    def cut(self, rows: int, place: Place) -> None:
        self.ends = place.cut(self.name, self.ends, rows)
