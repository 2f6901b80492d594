"""Gusts: pushes that move the executed action aside while the clean label is recorded.

A policy so sees how an expert recovers (DART, Laskey et al., arXiv 1703.09327). ``Pushes`` keeps those of an episode,
by row, so that it can be played again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Pushes = Mapping[str, list[float]]
"""What was added to the position of the actions of some rows; rows as text, as JSON has them."""


@dataclass(frozen=True, slots=True)
class Gusts:
    """How often they begin, how many steps they last, and their deviation as a normalised position action."""

    probability: float
    steps: tuple[int, int]
    std: float

    def blow(self, rng: np.random.Generator) -> Iterator[Float[np.ndarray, "3"]]:
        """A push for every step, mostly none; one direction for the whole gust."""
        while True:
            if rng.random() < self.probability:
                push = rng.normal(0, self.std, 3)
                yield from [push] * int(rng.integers(self.steps[0], self.steps[1] + 1))
            else:
                yield np.zeros(3)


def pushed(action: Float[np.ndarray, " a"], push: Float[np.ndarray, "3"] | None) -> Float[np.ndarray, " a"]:
    """The action that is executed: the label as a file keeps it, moved by ``push``."""
    executed = action.astype(np.float32).astype(float)
    if push is not None:
        executed[:3] = np.clip(executed[:3] + push, -1, 1)
    return executed


def push_at(pushes: Pushes, row: int) -> Float[np.ndarray, "3"] | None:
    """The push of a row, if any."""
    push = pushes.get(str(row))
    return None if push is None else np.array(push, dtype=float)
