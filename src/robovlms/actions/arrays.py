"""The same formula for numpy arrays and torch tensors, with numpy users free of torch."""

from typing import Any

import numpy as np


def library(values: Any) -> Any:
    """The module whose functions take ``values``: numpy or torch."""
    if isinstance(values, np.ndarray):
        return np
    import torch

    return torch


def like(constant: np.ndarray, values: Any) -> Any:
    """``constant`` as an array of the type, dtype and device of ``values``."""
    if isinstance(values, np.ndarray):
        return constant.astype(values.dtype)
    return values.new_tensor(constant)
