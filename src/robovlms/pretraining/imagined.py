"""Records with random values and no scene behind them: enough to list every wording, and to test questions."""

from typing import Any

import numpy as np

from robovlms.pretraining.frames import FRAME, POINTS, SURFACES, Frame
from robovlms.worlds.tabletop.state import BLOCKS


def imagined_frame(rng: np.random.Generator) -> Frame:
    """A random record; its parts need not agree with each other as physics would have it."""
    record: Any = np.zeros((), dtype=FRAME)
    record["points"] = rng.uniform(-0.3, 0.3, (len(POINTS), 3))
    record["pixels"] = rng.uniform(0, 64, record["pixels"].shape)
    record["visible"] = rng.random(record["visible"].shape) < 0.8
    record["surface"] = rng.integers(len(SURFACES), size=len(BLOCKS))
    record["below"] = -1
    record["held"] = rng.integers(-1, len(BLOCKS))
    for index in np.flatnonzero(record["surface"] == SURFACES.index("block"))[:1]:
        record["below"][index] = (index + 1) % len(BLOCKS)
    record["surface"][record["below"] < 0] %= SURFACES.index("block")
    record["yaw"], record["opening"] = rng.uniform(-1.5, 1.5), rng.uniform(0, 0.08)
    record["block_yaw"] = rng.uniform(-1.5, 1.5, len(BLOCKS))
    record["slider"], record["drawer"] = rng.uniform(0, 0.18, 2)
    record["switch"] = rng.uniform(-0.6, 0.6)
    record["bulb"], record["led"] = rng.random(2) < 0.5
    return Frame(record[()])


def imagined_frames(rng: np.random.Generator, number: int) -> list[Frame]:
    """Several random records."""
    return [imagined_frame(rng) for _ in range(number)]
