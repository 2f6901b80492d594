"""A frame store as a folder: one ``.npy`` for each array, and ``store.json`` with the rest and the checksums."""

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import google_crc32c
import numpy as np

from robovlms.actions.embodiments import Conventions
from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData
from robovlms.core.files import clear_disk_errors, partial_folder, publish, read_json, write_json
from robovlms.data.store import EpisodeTable, FrameStore

Allocate = Callable[[str, tuple[int, ...], type], np.ndarray]
"""(name, shape, dtype) to an array to fill."""

_IMAGES = "images."
_NAMES = ("instructions", "tasks", "sources", "datasets")


def cached_store(folder: Path, fill: Callable[[Allocate], FrameStore]) -> FrameStore:
    """The store in ``folder``; ``fill`` makes it first if it is not there.

    Raises:
        CorruptData: A file of the cache is damaged; the message says to delete the folder.
        UserError: The disk is full or cannot be written.
    """
    if not (folder / "store.json").is_file():
        partial = partial_folder(folder)
        try:
            with clear_disk_errors(folder):
                _describe(fill(_mapped_in(partial)), partial)
            publish(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return load_store(folder)


def load_store(folder: Path) -> FrameStore:
    """Open a cached store; its arrays are memory-mapped and read-only."""
    described = read_json(folder / "store.json")
    arrays = {name: _load(folder / f"{name}.npy", crc) for name, crc in described["checksums"].items()}
    table = {name: np.asarray(column) for name, column in described["episodes"].items()}
    return FrameStore(
        images={name.removeprefix(_IMAGES): array for name, array in arrays.items() if name.startswith(_IMAGES)},
        state=arrays["state"],
        actions=arrays["actions"],
        episodes=EpisodeTable(**table),
        action_spec=validate(ActionSpec, described["action_spec"]),
        observation_spec=validate(ObservationSpec, described["observation_spec"]),
        embodiments={name: validate(Conventions, found) for name, found in described["embodiments"].items()},
        **{name: tuple(described[name]) for name in _NAMES},
    )


def _mapped_in(folder: Path) -> Allocate:
    def allocate(name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        if 0 in shape:  # nothing can be mapped
            array = np.zeros(shape, dtype)
            np.save(folder / f"{name}.npy", array)
            return array
        array = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, shape)
        if hasattr(os, "posix_fallocate"):  # writing to a mapped file on a full disk would end the process
            with (folder / f"{name}.npy").open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, array.offset + array.nbytes)
        return array

    return allocate


def _describe(store: FrameStore, folder: Path) -> None:
    arrays = {_IMAGES + name: array for name, array in store.images.items()}
    arrays |= {"state": store.state, "actions": store.actions}
    for array in arrays.values():
        if isinstance(array, np.memmap):
            array.flush()
    described = {
        "schema_version": 1,
        "checksums": {name: _checksum(folder / f"{name}.npy") for name in arrays},
        "episodes": {name: column.tolist() for name, column in asdict(store.episodes).items()},
        "action_spec": store.action_spec.model_dump(mode="json"),
        "observation_spec": store.observation_spec.model_dump(mode="json"),
        "embodiments": {name: found.model_dump(mode="json") for name, found in store.embodiments.items()},
    }
    write_json(folder / "store.json", described | {name: list(getattr(store, name)) for name in _NAMES})


def _load(path: Path, expected: int) -> np.ndarray:
    if not path.is_file() or _checksum(path) != expected:
        raise CorruptData(f"{path} is missing or damaged. Delete {path.parent}: it is a cache and will be made again.")
    array = np.load(path, mmap_mode=None if path.stat().st_size < 4096 else "r")
    array.flags.writeable = False
    return array


def _checksum(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 23):
            crc = google_crc32c.extend(crc, block)
    return crc
