"""Windows a CPU second from a CALVIN folder, against upstream's own class."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from data_parts.beside import Row, Side, compare, cpu_seconds
from data_parts.episodes import write_calvin

from robovlms.actions.calvin import RELATIVE_ACTIONS
from robovlms.actions.normalize import NormalizationConfig, Normalizer
from robovlms.actions.spec import ImageSpec
from robovlms.data.loader import Loader
from robovlms.data.sources import CALVINConfig
from robovlms.data.stats import action_statistics
from robovlms.data.store.build import build_store, open_sources
from robovlms.data.store.frames import FrameStore
from robovlms.data.window import WindowConfig

IMAGE = ImageSpec(size=224)
WINDOW = WindowConfig(history=8, chunk=10)
BATCH = 8


def measure(upstream: Path | None, python: Path | None, episodes: int, rounds: int, windows: int) -> list[Row]:
    """Two rows, or why there are none."""
    names = ("CALVIN windows, no cache", "CALVIN windows, cache")
    if upstream is None or python is None:
        return [Row(name, detail="skipped: give --upstream and --upstream-python") for name in names]
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_calvin(Path(scratch) / "training", episodes)
        cached = lambda: store_of(folder, Path(scratch) / "cache")  # noqa: E731
        cached()
        with Side(python, "upstream_calvin.py", upstream, folder, WINDOW.history, WINDOW.chunk) as side:
            require_same(side, store_of(folder), Path(scratch) / "theirs.npz")
            theirs = lambda: windows / side.ask(windows=windows, batch=BATCH)["cpu_s"]  # noqa: E731
            without = compare(lambda: served(lambda: store_of(folder), tensors), theirs, rounds)
            within = compare(lambda: served(cached, tensors), theirs, rounds)
    return [without.row(names[0], "windows", 3), within.row(names[1], "windows", 10)]


def store_of(folder: Path, cache: Path | None = None) -> FrameStore:
    """All frames, decoded and resized, or from a cache."""
    return build_store(open_sources([CALVINConfig(path=folder, holdout=0)]), IMAGE, cache)


def loader_of(store: FrameStore, batch: int, shuffle: bool = True) -> Loader:
    """Windows as upstream trains on: actions as recorded, the gripper 0 or 1."""
    raw = NormalizationConfig(default="identity")
    normalizers = {n: Normalizer(RELATIVE_ACTIONS, s, raw) for n, s in action_statistics(store).items()}
    return Loader(store, store.training_episodes, WINDOW, batch, normalizers, shuffle=shuffle)


def served(open_store, tensors) -> float:
    """Windows a CPU second of one epoch, opening included."""
    count = 0

    def epoch():
        nonlocal count
        loader = loader_of(open_store(), BATCH)
        for index in range(loader.batches_per_epoch):
            tensors(loader.batch(index))
        count = loader.batches_per_epoch * BATCH

    seconds = cpu_seconds(epoch)
    return count / seconds


def tensors(batch) -> dict[str, torch.Tensor]:
    """What upstream's collater gives a training step: pixels in its layout and range, action chunks and masks."""
    images = {camera: _pixels(frames)[batch.frame_index] for camera, frames in batch.images.items()}
    return images | {"actions": batch.actions, "mask": batch.action_mask}


def require_same(side: Side, store: FrameStore, file: Path) -> None:
    """Stop unless both sides give the same tensors for some windows, the last of an episode among them."""
    side.ask(save=str(file), indices=(indices := [0, 7, 50, 56]))
    theirs = np.load(file)
    loader = loader_of(store, 1, shuffle=False)
    for number, index in enumerate(indices):
        mine = tensors(loader.batch(index + WINDOW.history - 1))
        mask = mine["mask"][0].numpy()
        np.testing.assert_array_equal(mask, theirs["mask"][number])
        np.testing.assert_allclose(mine["actions"][0].numpy()[mask], theirs["actions"][number][mask], atol=1e-6)
        for camera in store.images:
            np.testing.assert_allclose(mine[camera][0], theirs[camera][number], atol=1e-5)


def _pixels(frames: torch.Tensor) -> torch.Tensor:
    return frames.permute(0, 3, 1, 2).float().mul_(2 / 255).sub_(1)
