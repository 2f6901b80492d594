"""How much of the recorded motion each of several candidates explains beside the others, and how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from robovlms.data.doctor.pose import Vectors

PIECE = 25
"""Rows of an episode that are left out together: neighbouring rows resemble each other."""
LEAST_PIECES = 5
ALIKE = 0.01
"""Smallest eigenvalue of the candidates' correlations below which they cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Least-squares weights of the candidates at equal size, from all of the data and with each piece left out."""

    all: Float[np.ndarray, " k"]
    without: Float[np.ndarray, "pieces k"]

    def certainty(self, of: Callable[[Float[np.ndarray, "*n k"]], np.ndarray]) -> float:
        """A function of the weights in units of its standard error (jackknife over pieces)."""
        values, count = of(self.without), len(self.without)
        error = np.sqrt((count - 1) / count * ((values - values.mean()) ** 2).sum())
        return float(of(self.all) / max(error, 1e-12))


def weigh(candidates: Sequence[Sequence[Vectors]], seen: Sequence[Vectors]) -> Weights | None:
    """Weights that add the candidates up to the motion seen; each is one array an episode, over the same rows.

    Candidates are brought to the same root mean square first. None where there are too few pieces of data, or the
    candidates are too alike.
    """
    pieces = [
        (np.stack([part[at : at + PIECE].ravel() for part in parts]), whole[at : at + PIECE].ravel())
        for *parts, whole in zip(*candidates, seen, strict=True)
        for at in range(0, len(whole), PIECE)
    ]
    if len(pieces) < LEAST_PIECES:
        return None
    grams, sides = np.stack([x @ x.T for x, _ in pieces]), np.stack([x @ y for x, y in pieces])
    gram, side = grams.sum(0), sides.sum(0)
    sizes = np.sqrt(np.diag(gram))
    if not sizes.all() or np.linalg.eigvalsh(gram / np.outer(sizes, sizes))[0] < ALIKE:
        return None
    without = np.linalg.solve(gram - grams, (side - sides)[..., None])[..., 0]
    return Weights(np.linalg.solve(gram, side) * sizes, without * sizes)
