"""How sure a continuous head is: how far several answers to the same question agree."""

from jaxtyping import Float
from torch import Tensor

HALVING = 0.1
"""Mean disagreement, in normalised units, that halves the confidence: a twentieth of the range of most actions."""


def agreement(difference: Float[Tensor, "*n a"]) -> Float[Tensor, "*n"]:
    """Confidence in [0, 1] from the difference of two normalised actions: 1 where they agree, 0.5 at ``HALVING``.

    The scale is a convention, which makes numbers comparable between heads; whether they are calibrated is measured
    against success (``statistics.calibration``).
    """
    return 2 ** (-difference.abs().mean(dim=-1) / HALVING)
