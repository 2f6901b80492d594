"""How fast data is written, decoded and served, on one core.

    OMP_NUM_THREADS=1 python benchmarks/data_speed.py [--episodes 200]

Two 64 px cameras, 20 frames an episode; windows of 4 frames, chunks of 8. Figures are CPU seconds of this process, so
that other work on the machine does not change them much.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from robovlms.actions.normalize import Normalizer
from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.types import Episode
from robovlms.data.augment import AugmentConfig
from robovlms.data.lerobot_writer import LeRobotWriter
from robovlms.data.loader import Loader
from robovlms.data.sources import LeRobotConfig
from robovlms.data.stats import action_statistics
from robovlms.data.store_build import build_store, open_sources
from robovlms.data.window import WindowConfig

ACTIONS = ActionSpec(
    components=(
        ActionComponent(name="pose", dims=6, kind="other"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1.0, gripper_open=1.0),
    ),
    rate_hz=10,
)
OBSERVATIONS = ObservationSpec(
    cameras=(Camera(name="static", height=64, width=64), Camera(name="wrist", height=64, width=64)),
    state=(StateComponent(name="robot", dims=15),),
    rate_hz=10,
)


def make_episode(seed: int, length: int = 20) -> Episode:
    """Smooth shapes with a little texture compress about as renderings do."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:64, 0:64]

    def scene() -> np.ndarray:
        base = (rng.uniform(0, 3, 3) * (rows + columns)[..., None] % 256).astype(np.uint8)
        at = rng.integers(0, 40, (length, 2))
        frames = np.repeat(base[None], length, axis=0)
        for frame, (y, x) in zip(frames, at, strict=True):
            frame[y : y + 16, x : x + 16] = rng.integers(0, 256, 3)
        return frames

    return Episode(
        images={"static": scene(), "wrist": scene()},
        state=rng.normal(size=(length, 15)).astype(np.float32),
        actions=rng.uniform(-1, 1, (length, 7)).astype(np.float32),
        instruction="open the drawer",
        info={"source": f"chain {seed // 8}"},
    )


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=200)
    count = parser.parse_args().episodes
    torch.set_num_threads(1)
    episodes = [make_episode(seed) for seed in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set"
        start = time.process_time()
        with LeRobotWriter(path, ACTIONS, OBSERVATIONS, 10) as writer:
            for episode in episodes:
                writer.add(episode)
        report("written", count / (time.process_time() - start), "episodes/CPU-s")
        size = sum(file.stat().st_size for file in path.rglob("*.*")) / count / 20
        report("size", size / 1000, "kB/frame (two cameras)")
        opened = open_sources([LeRobotConfig(path=path)])
        start = time.process_time()
        store = build_store(opened)
        report("decoded", 2 * len(store) / (time.process_time() - start), "images/CPU-s")
        for augment in (None, AugmentConfig(shift_px=3), AugmentConfig(shift_px=3, brightness=0.2, saturation=0.2)):
            serve(store, augment)


def serve(store, augment) -> None:
    """Measure 60 batches of 64 windows."""
    normalizers = {name: Normalizer(ACTIONS, values) for name, values in action_statistics(store).items()}
    window = WindowConfig(history=4, chunk=8)
    loader = Loader(store, store.training_episodes, window, 64, normalizers, augment=augment)
    loader.batch(0)
    start = time.process_time()
    for index in range(60):
        loader.batch(index)
    what = "none" if augment is None else augment.canonical()
    report("served", 60 * 64 / (time.process_time() - start), f"windows/CPU-s, augmentation {what}")


def report(what: str, value: float, unit: str) -> None:
    """One line."""
    print(f"{what:<8} {value:10.1f} {unit}")


if __name__ == "__main__":
    main()
