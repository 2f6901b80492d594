"""Where a frame store is filled: in memory, or in a folder that a killed process leaves for the next to go on with.

```
.FINGERPRINT.partial/
  images.CAMERA.npy, state.npy, actions.npy    memory-mapped, of their full size from the beginning
  images.CAMERA.npy, ends.CAMERA.npy           where image files are kept: these, appended, and where each ends
  episodes.jsonl                               what is in them: one line an episode, written after its frames
```
"""

import fcntl
import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from typing_extensions import override

from robovlms.core.files import clear_disk_errors, publish
from robovlms.data.store.episode_rows import Row
from robovlms.data.store.growing import Growing

EPISODES = "episodes.jsonl"
EPISODES_A_NOTE = 64
"""Frames of so many episodes are on the disk before they are noted; a killed process loses no more."""


class Place(ABC):
    """Gives arrays to fill, and remembers which episodes are in them."""

    @abstractmethod
    def array(self, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """An array to fill, or to go on filling."""

    @abstractmethod
    def cut(self, name: str, array: np.ndarray, rows: int) -> np.ndarray:
        """The first rows of an array that is filled; the others are given back. Asked after the last ``note``."""

    @abstractmethod
    def begun(self) -> list[Row]:
        """The episodes whose frames are there already, from the first on; asked after all arrays."""

    @abstractmethod
    def note(self, row: Row) -> None:
        """The frames of this episode are there, too."""


class Memory(Place):
    """Arrays of this process."""

    @override
    def array(self, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        return np.empty(shape, dtype)

    @override
    def cut(self, name: str, array: np.ndarray, rows: int) -> np.ndarray:
        return array[:rows]

    @override
    def begun(self) -> list[Row]:
        return []

    @override
    def note(self, row: Row) -> None:
        pass  # nothing outlives this process


class Unfinished(Place):
    """Files of an unfinished folder."""

    def __init__(self, path: Path):
        self.path = path
        self._arrays: dict[str, np.memmap] = {}
        self._growing: list[Growing] = []
        self._noted: list[Row] = []

    @override
    def array(self, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        file = self.path / f"{name}.npy"
        if 0 in shape:  # nothing can be mapped
            array = np.zeros(shape, dtype)
            np.save(file, array)
            return array
        array = np.lib.format.open_memmap(file, "r+" if file.is_file() else "w+", dtype, shape)
        if hasattr(os, "posix_fallocate"):  # writing to a mapped file on a full disk would end the process
            with file.open("r+b") as allocated:
                os.posix_fallocate(allocated.fileno(), 0, array.offset + array.nbytes)
        self._arrays[name] = array
        return array

    def growing(self, name: str) -> Growing:
        """Bytes to append to."""
        self._growing.append(Growing(self.path / f"{name}.npy"))
        return self._growing[-1]

    @override
    def cut(self, name: str, array: np.ndarray, rows: int) -> np.ndarray:
        if rows == len(array):
            return array
        self._write_notes()  # all episodes are known before the first file shrinks: no later process fills it again
        file = self.path / f"{name}.npy"
        if not isinstance(array, np.memmap):
            np.save(file, array[:rows])
            return array[:rows]
        with file.open("r+b") as shortened:
            shortened.truncate(array.offset + array[:rows].nbytes)
            np.lib.format.write_array_header_1_0(shortened, np.lib.format.header_data_from_array_1_0(array[:rows]))
            assert shortened.tell() == array.offset, "numpy leaves room for any number of rows"
        self._arrays[name] = np.lib.format.open_memmap(file, "r+")
        return self._arrays[name]

    @override
    def begun(self) -> list[Row]:
        file = self.path / EPISODES
        lines = file.read_bytes().split(b"\n")[:-1] if file.is_file() else []  # the last may be cut off
        return [Row(*json.loads(line)) for line in lines]

    @override
    def note(self, row: Row) -> None:
        self._noted.append(row)
        if len(self._noted) == EPISODES_A_NOTE:
            self._write_notes()

    def _write_notes(self) -> None:
        for part in (*self._arrays.values(), *self._growing):
            part.flush()
        with (self.path / EPISODES).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in self._noted)
            file.flush()
            os.fsync(file.fileno())
        self._noted.clear()

    def finish(self) -> None:
        """All is there: the notes go, the arrays are on the disk."""
        for array in self._arrays.values():
            array.flush()
        while self._growing:
            self._growing.pop().finish()
        (self.path / EPISODES).unlink(missing_ok=True)

    def close(self) -> None:
        """Leave what is not finished as it is."""
        for part in self._growing:
            part.close()


def partial_of(folder: Path) -> Path:
    """Where a store is while it is not finished."""
    return folder.with_name(f".{folder.name}.partial")


@contextmanager
def unfinished(folder: Path) -> Generator[Unfinished | None]:
    """The place beside ``folder`` to fill it from, one process at a time; None if another has finished it meanwhile.

    It becomes ``folder`` at the end. An error removes it; an interrupt and a killed process leave it.
    """
    partial = partial_of(folder)
    with clear_disk_errors(folder), _alone(folder.parent):
        if folder.exists():
            yield None
            return
        partial.mkdir(parents=True, exist_ok=True)
        place = Unfinished(partial)
        try:
            yield place
            place.finish()
            publish(partial, folder)
        except Exception:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            place.close()


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Wait until no other process fills a store in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
