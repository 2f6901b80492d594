"""A frame store as a folder: one ``.npy`` for each array, and ``store.json`` with the rest and the checksums."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from robovlms.actions.embodiments import Conventions
from robovlms.actions.spec import ActionSpec, Camera, ImageSpec, ObservationSpec
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData
from robovlms.core.files import read_json, write_json
from robovlms.data.damage import Skipped
from robovlms.data.store.encoded import EncodedFrames
from robovlms.data.store.fill import sized
from robovlms.data.store.frames import ENDS, IMAGES, EpisodeTable, FrameStore
from robovlms.data.store.place import Unfinished, unfinished

SMALL = 1 << 31
"""Bytes that are read at every opening to be sure of them; of larger caches the size alone is looked at."""
STORE = "store.json"
_NAMES = ("instructions", "tasks", "sources", "datasets")


def cached_store(folder: Path, fill: Callable[[Unfinished], FrameStore]) -> FrameStore:
    """The store in ``folder``; ``fill`` makes it first if it is not there, or goes on where a killed process was.

    Raises:
        CorruptData: A file of the cache is damaged; the message says to delete the folder.
        UserError: The disk is full or cannot be written.
    """
    if not (folder / STORE).is_file():
        with unfinished(folder) as place:
            if place is not None:
                _describe(fill(place), place)
    return load_store(folder)


def load_store(folder: Path, verify: bool = False, image: ImageSpec | None = None) -> FrameStore:
    """Open a cached store; its arrays are memory-mapped and read-only.

    Image files are decoded to the pixels of ``image``, or as recorded when None. Checksums are compared where the cache
    is small, or if ``verify`` says so; sizes always.

    Raises:
        CorruptData: A file of the cache is damaged.
    """
    described = read_json(folder / STORE, remedy=_remedy(folder))
    try:
        return _opened(folder, described, verify, image)
    except CorruptData:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # of another version, or changed
        raise CorruptData(f"{folder / STORE} lacks something ({error!r}). {_remedy(folder)}") from None


def _opened(folder: Path, described: Mapping[str, Any], verify: bool, image: ImageSpec | None) -> FrameStore:
    verify = verify or sum(described["bytes"].values()) <= SMALL
    arrays = {
        name: _load(folder / f"{name}.npy", size, described["checksums"][name] if verify else None)
        for name, size in described["bytes"].items()
    }
    table = {name: np.asarray(column) for name, column in described["episodes"].items()}
    observation = sized(validate(ObservationSpec, described["observation_spec"]), image)
    return FrameStore(
        images={camera.name: _frames(arrays, camera, image) for camera in observation.cameras},
        state=arrays["state"],
        actions=arrays["actions"],
        episodes=EpisodeTable(**table),
        action_spec=validate(ActionSpec, described["action_spec"]),
        observation_spec=observation,
        embodiments={name: validate(Conventions, found) for name, found in described["embodiments"].items()},
        skipped=tuple(Skipped(**one) for one in described["skipped"]),
        **{name: tuple(described[name]) for name in _NAMES},
    )


def _describe(store: FrameStore, place: Unfinished) -> None:
    place.finish()
    files = {file.stem: file for file in sorted(place.path.glob("*.npy"))}
    described = {
        "schema_version": 1,
        "checksums": {name: _checksum(file) for name, file in files.items()},
        "bytes": {name: file.stat().st_size for name, file in files.items()},
        "episodes": {name: column.tolist() for name, column in asdict(store.episodes).items()},
        "action_spec": store.action_spec.model_dump(mode="json"),
        "observation_spec": store.observation_spec.model_dump(mode="json"),
        "embodiments": {name: found.model_dump(mode="json") for name, found in store.embodiments.items()},
        "skipped": [asdict(one) for one in store.skipped],
    }
    write_json(place.path / STORE, described | {name: list(getattr(store, name)) for name in _NAMES})


def _frames(arrays: Mapping[str, np.ndarray], camera: Camera, image: ImageSpec | None) -> np.ndarray | EncodedFrames:
    files, ends = arrays[IMAGES + camera.name], arrays.get(ENDS + camera.name)
    return files if ends is None else EncodedFrames(files, ends, camera, image)


def _load(path: Path, size: int, checksum: int | None) -> np.ndarray:
    whole = path.is_file() and path.stat().st_size == size
    if not whole or (checksum is not None and _checksum(path) != checksum):
        raise CorruptData(f"{path} is missing or damaged. {_remedy(path.parent)}")
    array = np.load(path, mmap_mode=None if path.stat().st_size < 4096 else "r")
    array.flags.writeable = False
    return array


def _remedy(folder: Path) -> str:
    return f"Delete {folder}: it is a cache and will be made again."


def _checksum(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 23):
            crc = google_crc32c.extend(crc, block)
    return crc
