"""The pool of frames on disk: written once by a process of its own, read by training while it grows."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from robovlms.core.errors import CorruptData
from robovlms.pretraining.frames import FRAME, Frame
from robovlms.pretraining.stage import Stage
from robovlms.pretraining.teleport import Teleporter
from robovlms.worlds.tabletop.scenes import scene_spec
from robovlms.worlds.tabletop.simulation import Simulation

SHARD = 250
"""Frames made by one stage from one seed; a shard is a pure function of (seed, its number, its scenes)."""

Source = Callable[[str, np.random.Generator, int], Iterator[Frame]]
"""Makes some frames of a scene."""


def disguised(scene: str, rng: np.random.Generator, number: int) -> Iterator[Frame]:
    """Frames of random states, three quarters of them in other looks and arrangements."""
    return teleported(scene, rng, number, share=0.75)


def teleported(scene: str, rng: np.random.Generator, number: int, share: float = 0.0) -> Iterator[Frame]:
    """Frames of random states of a scene, a ``share`` of them disguised."""
    stage = Stage(scene, Simulation(scene_spec(scene)))
    teleporter = Teleporter(stage, rng, share)
    try:
        for _ in range(number):
            yield stage.frame(teleporter.scatter())
    finally:
        stage.close()


def write_pool(path: Path, num_frames: int, seed: int, scenes: str, sources: tuple[Source, ...]) -> None:
    """Fill a pool shard by shard; an interrupted one is continued. Sources and scenes take turns.

    Args:
        path: The pool file; a small JSON file beside it says how far it is.
        num_frames: A multiple of ``SHARD``.
        seed: Seed of the pool.
        scenes: Scene letters, such as 'ABC'.
        sources: What makes the frames; list one twice to double its share.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    done = ready_frames(path) if path.exists() else 0
    frames = np.memmap(path, dtype=FRAME, mode="r+" if path.exists() else "w+", shape=(num_frames,))
    for shard in range(done // SHARD, num_frames // SHARD):
        source, scene = sources[shard // len(scenes) % len(sources)], scenes[shard % len(scenes)]
        made = source(scene, np.random.default_rng((seed, shard)), SHARD)
        frames[shard * SHARD : (shard + 1) * SHARD] = np.array([frame.record for frame in made], dtype=FRAME)
        frames.flush()
        _mark(path, (shard + 1) * SHARD, seed, scenes)


def _mark(path: Path, ready: int, seed: int, scenes: str) -> None:
    marker = path.with_suffix(".json")
    fresh = marker.with_suffix(".tmp")
    fresh.write_text(json.dumps({"ready": ready, "seed": seed, "scenes": scenes}))
    fresh.replace(marker)


def ready_frames(path: Path) -> int:
    """How many frames of a pool are written."""
    marker = path.with_suffix(".json")
    return int(json.loads(marker.read_text())["ready"]) if marker.exists() else 0


def open_pool(path: Path) -> np.memmap:
    """Map a pool for reading.

    Raises:
        CorruptData: the file is no pool of this version.
    """
    if not path.is_file() or path.stat().st_size % FRAME.itemsize:
        raise CorruptData(f"{path} is not a pool of frames of this version; delete it and run again.")
    return np.memmap(path, dtype=FRAME, mode="r")


def held_out_frames(scenes: str, seed: int, number: int, sources: tuple[Source, ...]) -> list[Frame]:
    """Frames in memory, shared evenly among scenes and sources, for examinations and tests."""
    pairs = [(scene, source) for source in sources for scene in scenes]
    shares = [len(part) for part in np.array_split(np.arange(number), len(pairs))]
    return [
        frame
        for index, ((scene, source), share) in enumerate(zip(pairs, shares, strict=True))
        for frame in source(scene, np.random.default_rng((seed, index)), share)
    ]
