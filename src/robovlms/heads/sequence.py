"""Left-padded windows for heads that read steps one after the other."""

import torch
from jaxtyping import Float
from torch import Tensor


def shift(values: Float[Tensor, "b t h"], by: Tensor) -> Float[Tensor, "b t h"]:
    """Rotate each row left by its own number of steps."""
    length = values.shape[1]
    index = (torch.arange(length, device=values.device) + by[:, None]) % length
    return values.gather(1, index[..., None].expand_as(values))
