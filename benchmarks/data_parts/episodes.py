"""Episodes of CALVIN's conventions and sizes, made up."""

from pathlib import Path

import numpy as np

from robovlms.actions.calvin import RELATIVE_ACTIONS, ROBOT_STATE
from robovlms.actions.spec import Camera, ObservationSpec
from robovlms.core.types import Episode
from robovlms.data.calvin.writer import CALVINWriter
from robovlms.data.lerobot.writer import LeRobotWriter

SIZES = {"rgb_static": 200, "rgb_gripper": 84}
OBSERVATIONS = ObservationSpec(
    cameras=tuple(Camera(name=name, height=size, width=size) for name, size in SIZES.items()),
    state=ROBOT_STATE,
    rate_hz=30,
)
LENGTH = 64


def make_episode(seed: int) -> Episode:
    """Shapes on a gradient with a little noise: they compress about as renderings do."""
    rng = np.random.default_rng(seed)
    return Episode(
        images={name: _scene(rng, size) for name, size in SIZES.items()},
        state=rng.uniform(-1, 1, (LENGTH, 15)).astype(np.float32),
        actions=np.where(np.arange(7) < 6, rng.uniform(-1, 1, (LENGTH, 7)), rng.choice([-1, 1], (LENGTH, 1))).astype(
            np.float32
        ),
        instruction=f"push block {seed % 34}",
        task="push",
        info={"source": f"episode {seed}"},
    )


def write_calvin(folder: Path, episodes: int) -> Path:
    """A CALVIN folder, for example for its ``training``."""
    with CALVINWriter(folder, RELATIVE_ACTIONS, OBSERVATIONS) as writer:
        for seed in range(episodes):
            writer.add(make_episode(seed))
    return folder


def write_lerobot(folder: Path, episodes: int) -> Path:
    """The same episodes as LeRobot v3.0 with videos."""
    with LeRobotWriter(folder, RELATIVE_ACTIONS, OBSERVATIONS, image_format="mp4") as writer:
        for seed in range(episodes):
            writer.add(make_episode(seed))
    return folder


def _scene(rng, size):
    rows, columns = np.mgrid[0:size, 0:size]
    base = (rng.uniform(0, 200 / size, 3) * (rows + columns)[..., None]).clip(0, 250).astype(np.uint8)
    frames = base + rng.integers(0, 4, (LENGTH, size, size, 1), dtype=np.uint8)
    for frame, (y, x) in zip(frames, rng.integers(0, size // 2, (LENGTH, 2)), strict=True):
        frame[y : y + size // 4, x : x + size // 4] = rng.integers(0, 256, 3)
    return frames
