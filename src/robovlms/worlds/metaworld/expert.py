"""The package's scripted policies."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from robovlms.worlds.metaworld.env import MetaWorld
from robovlms.worlds.metaworld.package import load, unwarned


def expert(world: MetaWorld) -> Iterator[Float32[np.ndarray, "4"]]:
    """Actions for the task of the world's table, each for what is the case when it is asked for; without end."""
    policy = load("metaworld.policies").ENV_POLICY_MAP[world.table]()
    while True:
        with unwarned():
            action = policy.get_action(world.simulation.seen)
        yield np.clip(action, -1, 1).astype(np.float32)
