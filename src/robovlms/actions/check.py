"""Recorded actions against what their spec says, before anything learns from them."""

import numpy as np
from jaxtyping import Float

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.errors import CorruptData

TOLERANCE = 1e-4
"""How far beyond its range a value may lie, as a share of the range: float32 storage and unit changes round."""


def require_valid(spec: ActionSpec, actions: Float[np.ndarray, "t _"], where: str) -> None:
    """Refuse actions of another dimension, that are not finite, or outside the range of their component.

    Raises:
        CorruptData: such an action; names ``where``, the frame and the component.
    """
    if actions.shape[1] != spec.dims:
        raise CorruptData(
            f"{where}: got actions of {actions.shape[1]} dimensions, expected {spec.dims} ({spec.layout})."
        )
    for component in spec.components:
        values = actions[:, spec.slice_of(component.name)]
        low, high = _bounds(component)
        bad = np.argwhere(~(np.isfinite(values) & (values >= low) & (values <= high)))
        if len(bad):
            frame, dimension = bad[0].tolist()
            raise CorruptData(
                f"{where}, frame {frame}: action component '{component.name}' is {values[frame, dimension]:g} in "
                f"dimension {dimension}, expected {_expected(component)}. Correct the data or the ActionSpec."
            )


def _bounds(component: ActionComponent) -> tuple[float, float]:
    low, high = component.low, component.high
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    margin = TOLERANCE * (high - low) if np.isfinite(high - low) else 0.0
    return low - margin, high + margin


def _expected(component: ActionComponent) -> str:
    bounds = [("at least", component.low), ("at most", component.high)]
    return " and ".join(["a finite number", *(f"{word} {bound:g}" for word, bound in bounds if bound is not None)])
