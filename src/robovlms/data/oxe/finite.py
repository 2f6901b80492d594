"""Numbers of a record before anything learns from them."""

import numpy as np
from jaxtyping import Float32

from robovlms.core.errors import CorruptData


def require_finite(what: str, values: Float32[np.ndarray, "t _"], kept: range, where: str) -> None:
    """Refuse a number that is not finite.

    Raises:
        CorruptData: Names ``where``, the step and the dimension.
    """
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        frame, dimension = bad[0].tolist()
        raise CorruptData(
            f"{where}, step {kept[frame]}: dimension {dimension} of the {what} is {values[frame, dimension]}, "
            "expected a finite number. Correct the data, or leave the record out."
        )
