"""The rows of one episode in a LeRobot data file, each checked as it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # noqa: TID253 - only code that reads a data set imports this module
import pyarrow.parquet as pq  # noqa: TID253 - same
from jaxtyping import Float32

from robovlms.core.errors import CorruptData
from robovlms.data.images import Frames, decode_images


@dataclass(frozen=True, slots=True)
class FrameRows:
    """A slice of the table in ``path``; ``first`` is the number of its first row in the file."""

    path: Path
    table: pa.Table
    first: int

    @classmethod
    def of_episode(cls, path: Path, row: Mapping[str, Any]) -> "FrameRows":
        """The frames of the episode that ``row`` of the episode table describes.

        Raises:
            CorruptData: The file is missing or damaged, or holds other frames at that place.
        """
        table = read_table(path)
        index, length = row["episode_index"], row["length"]
        try:
            first = row["dataset_from_index"] - table["index"][0].as_py()
            part = table.slice(max(first, 0), length)
            found = part["episode_index"].to_pylist(), part["frame_index"].to_pylist()
        except (KeyError, IndexError) as error:
            raise CorruptData(f"{path}: the frames of episode {index} cannot be found ({error!r}).") from None
        if first < 0 or found != ([index] * length, list(range(length))):
            raise CorruptData(
                f"{path}, rows {first} to {first + length - 1}: these should be the frames of episode {index}, but are "
                "not. Data and metadata do not belong together: copy or create the data set again."
            )
        return cls(path, part, first)

    def __len__(self) -> int:
        return len(self.table)

    def where(self, i: int) -> str:
        """The file and the row of frame ``i``, for messages."""
        return f"{self.path}, row {self.first + i}"

    def numbers(self, column: str, dims: int) -> Float32[np.ndarray, "t dims"]:
        """A column of vectors.

        Raises:
            CorruptData: A row has another length or is not finite.
        """
        rows = self._column(column)
        for i, cell in enumerate(rows):
            values = np.asarray(cell, np.float64)  # None becomes NaN
            if values.size != dims or not np.isfinite(values).all():
                raise CorruptData(f"{self.where(i)}: got {cell} in '{column}', expected {dims} finite numbers.")
        return np.asarray(rows, np.float32).reshape(len(self), dims)

    def images(self, column: str, size: tuple[int, int]) -> Frames:
        """A column of image files, decoded; ``size`` is the (height, width) each must have.

        Raises:
            CorruptData: An image is missing, damaged, or of another size.
        """
        cells = self._column(column)
        wheres = [f"{self.where(i)}, column '{column}'" for i in range(len(self))]
        for where, cell in zip(wheres, cells, strict=True):
            if not cell or not cell.get("bytes"):
                raise CorruptData(f"{where}: there is no image. Copy or create the data set again.")
        images = decode_images([cell["bytes"] for cell in cells], wheres)
        for where, image in zip(wheres, images, strict=True):
            if image.shape[:2] != size:
                raise CorruptData(f"{where}: got an image of {image.shape[:2]} pixels, expected {size}.")
        return np.stack(images)

    def _column(self, name: str) -> list[Any]:
        if name not in self.table.column_names:
            raise CorruptData(f"{self.path} has no column '{name}'; it has {self.table.column_names}.")
        return self.table[name].to_pylist()


def read_table(path: Path) -> pa.Table:
    """A parquet file as a table; the last ones stay in memory, because episodes are read in order.

    Raises:
        CorruptData: The file is missing or damaged.
    """
    if not path.is_file():
        raise CorruptData(f"{path} is missing. The data set is incomplete: copy or create it again.")
    return _read_table(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read_table(path: Path, modified_ns: int) -> pa.Table:
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise CorruptData(f"{path} is damaged ({error}). Copy or create the data set again.") from None
