"""Windows a CPU second from LeRobot v3.0 with videos, against lerobot's own data set with PyAV."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from data_parts.beside import Row, Side, compare
from data_parts.calvin import BATCH, WINDOW, loader_of, served
from data_parts.episodes import OBSERVATIONS, SIZES, write_lerobot

from robovlms.data.sources import LeRobotConfig
from robovlms.data.store.build import build_store, open_sources
from robovlms.data.store.frames import FrameStore

WHATS = ("LeRobot windows, no cache", "LeRobot windows, cache")


def measure(python: Path | None, episodes: int, rounds: int, windows: int) -> list[Row]:
    """Two rows, or why there are none."""
    if python is None:
        return [Row(what, detail="skipped: give --lerobot-python") for what in WHATS]
    with tempfile.TemporaryDirectory() as scratch:
        folder, cache = write_lerobot(Path(scratch) / "set", episodes), Path(scratch) / "cache"
        shape = (WINDOW.history, WINDOW.chunk, OBSERVATIONS.rate_hz)
        with Side(python, "lerobot_package.py", folder, *map(str, shape)) as side:
            require_same(side, store_of(folder, cache), Path(scratch) / "theirs.npz")
            theirs = lambda: windows / side.ask(windows=windows, batch=BATCH)["cpu_s"]  # noqa: E731
            without = compare(lambda: served(lambda: store_of(folder), tensors), theirs, rounds)
            within = compare(lambda: served(lambda: store_of(folder, cache), tensors), theirs, rounds)
    return [without.row(WHATS[0], "windows", 2), within.row(WHATS[1], "windows", 10)]


def store_of(folder: Path, cache: Path | None = None) -> FrameStore:
    """All frames, decoded at their own sizes, or from a cache."""
    return build_store(open_sources([LeRobotConfig(path=folder, holdout=0)]), None, cache)


def tensors(batch) -> dict[str, torch.Tensor]:
    """What lerobot's loader gives a training step: pixels from 0 to 1, the state, the actions and which are real."""
    images = {name: _pixels(frames)[batch.frame_index] for name, frames in batch.images.items()}
    return images | {"state": batch.state[:, -1], "actions": batch.actions[:, -1], "mask": batch.action_mask[:, -1]}


def require_same(side: Side, store: FrameStore, file: Path) -> None:
    """Stop unless both sides give the same tensors for some frames, the first and the last of an episode among them."""
    side.ask(save=str(file), indices=(indices := [0, 20, 63, 64]))
    theirs = np.load(file)
    loader = loader_of(store, 1, shuffle=False)
    for number, index in enumerate(indices):
        mine = {name: values[0].numpy() for name, values in tensors(loader.batch(index)).items()}
        mask = mine["mask"]
        np.testing.assert_array_equal(mask, theirs["mask"][number])
        np.testing.assert_allclose(mine["state"], theirs["state"][number], atol=1e-6)
        recorded = np.where(np.arange(7) < 6, mine["actions"], 2 * mine["actions"] - 1)
        np.testing.assert_allclose(recorded[mask], theirs["actions"][number][mask], atol=1e-6)
        for name in SIZES:
            np.testing.assert_allclose(mine[name], theirs[name][number], atol=1.5 / 255)


def _pixels(frames: torch.Tensor) -> torch.Tensor:
    return frames.permute(0, 3, 1, 2).float().div_(255)
