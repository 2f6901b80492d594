"""Memory over epochs of a source larger than a budget, and how long a store of a million frames takes to open."""

import gc
import json
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from data_parts.beside import Row, cpu_seconds
from data_parts.calvin import BATCH, loader_of, store_of
from data_parts.episodes import LENGTH, write_calvin

from robovlms.actions.spec import ImageSpec
from robovlms.data.sources import CALVINConfig
from robovlms.data.store.build import build_store, bytes_needed, open_sources
from robovlms.data.store.cache import STORE, load_store
from robovlms.data.store.frames import FrameStore

EPOCHS, TIMES_LARGER, START_UP_S = 3, 4, 2.0
FRAMES = 1_000_000
FLAT = 0.1
"""Share of the budget by which a later epoch may exceed the first."""


def flat(budget_mb: int) -> list[Row]:
    """Decode into a cache and read three epochs; what is not file-backed must stay below the budget and not grow."""
    budget = budget_mb * 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = _source(Path(scratch), TIMES_LARGER * budget)
        size, building, *epochs = _alone(_peaks, folder, Path(scratch) / "cache")
    met = max(building, *epochs) <= budget and max(epochs[1:]) <= epochs[0] + FLAT * budget
    told = ", ".join(f"{value / 1e6:.0f}" for value in epochs)
    detail = f"{size / 1e6:.0f} MB of frames; above the start: {building / 1e6:.0f} MB decoding, {told} MB by epoch"
    return [Row("memory, 3 epochs", max(building, *epochs) / 1e6, "MB", f"at most {budget_mb} MB, flat", met, detail)]


def start_up() -> list[Row]:
    """Open a store of a million frames, compute statistics and take a batch; its files are sparse."""
    with tempfile.TemporaryDirectory() as scratch:
        frames, opened, ready, wall = _alone(_started, _large(Path(scratch)))
    detail = f"{frames} frames, two cameras of 224 px: {opened:.2f} CPU-s to open; {wall:.2f} s by the clock"
    return [Row("start-up, a million frames", ready, "CPU-s", f"below {START_UP_S:g} s", ready < START_UP_S, detail)]


def _alone(work: Callable, *arguments):
    """What it returns in a new process, in which nothing was allocated and freed."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _peaks(folder: Path, cache: Path) -> list[int]:
    """Bytes of images, and the most memory above the start while they are decoded and in each epoch."""
    before = _private_bytes()
    with _peak() as building:
        store = store_of(folder, cache)
    epochs = [_epoch(store) for _ in range(EPOCHS)]
    return [sum(array.nbytes for array in store.images.values()), *(peak - before for peak in (building(), *epochs))]


def _started(folder: Path) -> tuple[int, float, float, float]:
    """Frames, and seconds: to open, to have the first batch, and the same by the clock."""
    start, found = time.perf_counter(), []
    opened = cpu_seconds(lambda: found.append(load_store(folder)))
    ready = opened + cpu_seconds(lambda: loader_of(found[0], BATCH).batch(0))
    return len(found[0]), opened, ready, time.perf_counter() - start


def _source(scratch: Path, size: int) -> Path:
    """A CALVIN folder whose frames are at least ``size`` bytes when decoded and resized."""
    sample = open_sources([CALVINConfig(path=write_calvin(scratch / "sample", 1))])
    one = bytes_needed(sample, ImageSpec(size=224))
    return write_calvin(scratch / "training", -(-size // one))


def _epoch(store: FrameStore) -> int:
    with _peak() as peak:
        loader = loader_of(store, BATCH)
        for batch in (loader.batch(index) for index in range(loader.batches_per_epoch)):
            del batch
    return peak()


def _large(scratch: Path) -> Path:
    """A small store, its rows and episodes repeated without writing them."""
    source = open_sources([CALVINConfig(path=write_calvin(scratch / "training", 1), holdout=0)])
    build_store(source, ImageSpec(size=224), scratch / "cache")
    folder = next((scratch / "cache").iterdir())
    described, episodes = json.loads((folder / STORE).read_text()), FRAMES // LENGTH
    table = {name: column * episodes for name, column in described["episodes"].items()}
    table["starts"] = list(range(0, episodes * LENGTH, LENGTH))
    table["ends"] = [start + LENGTH for start in table["starts"]]
    table["source_ids"], described["sources"] = list(range(episodes)), [f"episode {n}" for n in range(episodes)]
    for name in described["bytes"]:
        file = folder / f"{name}.npy"
        small = np.load(file)
        shape = (episodes * LENGTH, *small.shape[1:])
        np.lib.format.open_memmap(file, "w+", small.dtype, shape)
        described["bytes"][name] = file.stat().st_size
    (folder / STORE).write_text(json.dumps(described | {"episodes": table}))
    return folder


@contextmanager
def _peak() -> Generator[Callable[[], int]]:
    """The most bytes of memory, without what files back, until the end of the block."""
    gc.collect()
    done, highest = threading.Event(), [_private_bytes()]

    def watch():
        while not done.wait(0.005):
            highest[0] = max(highest[0], _private_bytes())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: highest[0]
    finally:
        done.set()
        thread.join()


def _private_bytes() -> int:
    """Resident memory of this process that no file backs (Linux)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(lines[name].split()[0]) for name in ("RssAnon", "RssShmem")) * 1024
