"""A frame of a CALVIN folder is one ``.npz``: its arrays are read and checked one by one, and only those asked for."""

import os
import re
import zipfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.calvin.plain_npy import DAMAGE

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Shape of each array to read. Arrays named ``rgb_...`` hold bytes, all others finite numbers."""

_NAME = re.compile(r"episode_(\d+)\.npz")


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one folder: ``episode_0000000.npz`` and so on, with as many digits as its files have."""

    folder: Path
    digits: int

    @classmethod
    def of(cls, folder: Path) -> "Frames":
        """Find out how many digits names have.

        Raises:
            CorruptData: There is no frame.
        """
        with os.scandir(folder) as entries:
            found = next((match for entry in entries if (match := _NAME.fullmatch(entry.name))), None)
        if found is None:
            raise CorruptData(
                f"{folder} holds no frame such as episode_0000000.npz. Copy or create the data set again."
            )
        return cls(folder, len(found[1]))

    def path(self, number: int) -> Path:
        """The file of a frame."""
        return self.folder / f"episode_{number:0{self.digits}d}.npz"

    def stamps(self, numbers: Iterable[int]) -> Int64[np.ndarray, "n 2"]:
        """Size and time of each frame's file, which change with it; zeros where there is none."""
        start = str(self.folder / "episode_")  # a Path for each of a million files would take longer than asking
        return np.array([_stamp(f"{start}{number:0{self.digits}d}.npz") for number in numbers], np.int64)

    def look(self, number: int, row: str) -> dict[str, np.ndarray]:
        """The arrays that may hold images or the scene's state, of one frame and unchecked.

        Raises:
            CorruptData: The file is missing or damaged; names it and ``row``, which asks for it.
        """
        with _reading(self.path(number), row), zipfile.ZipFile(self.path(number)) as archive:
            return {name: _array(archive, name) for name in _names(archive) if name.startswith(("rgb_", "scene_"))}

    def read(self, numbers: Iterable[int], shapes: Shapes, row: str) -> dict[str, np.ndarray]:
        """Some arrays of some frames, stacked along a new first axis.

        Raises:
            CorruptData: A file or array is missing or damaged, or not what it should be; names file and ``row``.
        """
        frames = [self._frame(self.path(number), shapes, row) for number in numbers]
        return {name: np.stack([frame[name] for frame in frames]) for name in shapes}

    def _frame(self, path: Path, shapes: Shapes, row: str) -> dict[str, np.ndarray]:
        with _reading(path, row), zipfile.ZipFile(path) as archive:
            names = _names(archive)
            missing = [name for name in shapes if name not in names]
            if missing:
                raise CorruptData(str(UnknownName(f"array in {path} ({row}):", missing[0], names)))
            found = {name: _array(archive, name) for name in shapes}
        for name, values in found.items():
            _require(name, values, shapes[name], f"{path} ({row})")
        return found


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - see there
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


@contextmanager
def _reading(path: Path, row: str) -> Generator[None]:
    """Turn what zip and numpy raise for missing and damaged files into ``CorruptData``."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise CorruptData(f"{path} ({row}) is missing. Copy the data set again, or leave the row out.") from None
    except (*DAMAGE, zipfile.BadZipFile, RuntimeError) as error:
        reason = f"{type(error).__name__}: {error!s:.200}"
        raise CorruptData(f"{path} ({row}) cannot be read ({reason}). Copy or create the file again.") from None


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _require(name: str, values: np.ndarray, shape: Shape, where: str) -> None:
    pixels = name.startswith("rgb_")
    fits = values.dtype == np.uint8 if pixels else values.dtype.kind in "fiu"
    if values.shape != shape or not fits:
        wanted = "uint8" if pixels else "numbers"
        raise CorruptData(f"{where}: '{name}' is {values.dtype} of shape {values.shape}, expected {wanted} of {shape}.")
    if not pixels and not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise CorruptData(f"{where}: got {values.tolist()} in '{name}', expected finite numbers.")
