"""The rows of one episode in a LeRobot data file, each checked as it is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # noqa: TID253 - only code that reads a data set imports this module
import pyarrow.parquet as pq  # noqa: TID253 - same
from jaxtyping import Float32

from robovlms.core.errors import CorruptData
from robovlms.core.files import inside
from robovlms.data.images import Frames, decode_images


@dataclass(frozen=True, slots=True)
class FrameRows:
    """A slice of the table in ``path``; ``first`` is the number of its first row in the file."""

    path: Path
    table: pa.Table
    first: int

    @classmethod
    def of_episode(cls, path: Path, table: pa.Table, first: int, row: Mapping[str, Any]) -> "FrameRows":
        """The frames of the episode that ``row`` of the episode table describes, from row ``first`` of ``table`` on.

        Raises:
            CorruptData: There are other frames at that place.
        """
        index, length = row["episode_index"], row["length"]
        try:
            part = table.slice(max(first, 0), length)
            found = part["episode_index"].to_pylist(), part["frame_index"].to_pylist()
            goes_on = table["episode_index"].slice(max(first, 0) + length, 1).to_pylist() == [index]
        except KeyError as error:
            raise CorruptData(f"{path}: the frames of episode {index} cannot be found ({error!r}).") from None
        if first < 0 or len(part) != length or goes_on or found != ([index] * length, list(range(length))):
            raise CorruptData(
                f"{path}, rows {first} to {first + length - 1}: these should be the frames of episode {index}, but "
                "are not. Data and metadata do not belong together: copy or create the data set again."
            )
        return cls(path, part, first)

    def __len__(self) -> int:
        return len(self.table)

    def where(self, i: int) -> str:
        """The file and the row of frame ``i``, for messages."""
        return f"{self.path}, row {self.first + i}"

    def part(self, start: int, stop: int) -> "FrameRows":
        """Frames ``start`` to ``stop`` - 1."""
        return FrameRows(self.path, self.table.slice(start, stop - start), self.first + start)

    def task_numbers(self) -> list[int]:
        """Number of each frame's sentence; raises ``CorruptData`` where there is none."""
        found = self._column("task_index")
        if None in found:
            raise CorruptData(f"{self.where(found.index(None))}: there is no task_index.")
        return found

    def numbers(self, column: str, dims: int) -> Float32[np.ndarray, "t dims"]:
        """A column of vectors.

        Raises:
            CorruptData: A row has another length or is not finite.
        """
        rows = self._column(column)
        for i, cell in enumerate(rows):
            values = _floats(cell)
            if values.size != dims or not np.isfinite(values).all():
                raise CorruptData(f"{self.where(i)}: got {cell} in '{column}', expected {dims} finite numbers.")
        return np.asarray(rows, np.float32).reshape(len(self), dims)

    def images(self, column: str, size: tuple[int, int], folder: Path) -> Frames:
        """A column of image files, decoded.

        Args:
            column: Its cells hold the bytes of a file, or its path below ``folder``.
            size: The (height, width) each image must have.
            folder: The data set.

        Raises:
            CorruptData: An image is missing, damaged, of another size, or outside ``folder``.
        """
        wheres = self._places(column)
        images = decode_images(self.image_files(column, folder), wheres)
        for where, image in zip(wheres, images, strict=True):
            if image.shape[:2] != size:
                raise CorruptData(f"{where}: got an image of {image.shape[:2]} pixels, expected {size}.")
        return np.stack(images)

    def image_files(self, column: str, folder: Path) -> list[bytes]:
        """The files of such a column."""
        cells = zip(self._places(column), self._column(column), strict=True)
        return [_image_file(cell, folder, where) for where, cell in cells]

    def _places(self, column: str) -> list[str]:
        return [f"{self.where(i)}, column '{column}'" for i in range(len(self))]

    def _column(self, name: str) -> list[Any]:
        if name not in self.table.column_names:
            raise CorruptData(f"{self.path} has no column '{name}'; it has {self.table.column_names}.")
        return self.table[name].to_pylist()


def _floats(cell: Any) -> np.ndarray:
    """A cell as numbers: NaN for None, none at all for texts and rows of different lengths."""
    try:
        return np.asarray(cell, np.float64)
    except (ValueError, TypeError):
        return np.empty(0)


def _image_file(cell: Mapping[str, Any] | None, folder: Path, where: str) -> bytes:
    data, path = (cell.get("bytes"), cell.get("path")) if cell else (None, None)
    if data:
        return data
    if not path or not (file := inside(folder, path, where)).is_file():
        raise CorruptData(f"{where}: there is no image. Copy or create the data set again.")
    return file.read_bytes()


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row) of each row of a table.

    Raises:
        CorruptData: The file is missing or damaged, or a text in it is not UTF-8.
    """
    table = read_table(path)
    for number in range(len(table)):
        where = f"{path}, row {number}"
        try:
            yield where, table.slice(number, 1).to_pylist()[0]
        except UnicodeDecodeError as error:
            raise CorruptData(f"{where}: a text is not UTF-8 ({error}). Correct it, or leave the row out.") from None


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
        table = pq.read_table(path)
        _ = table.column_names  # pyarrow decodes them only now
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptData(f"{path} is damaged ({error}). Copy or create the data set again.") from None
