"""Which prompts of a batch are the same, so that each is encoded once."""

import torch
from jaxtyping import Int
from torch import Tensor

from robovlms.core.batch import Batch


def distinct_prompts(
    batch: Batch,
) -> tuple[Int[Tensor, " p"], Int[Tensor, " p"], Int[Tensor, " p"], Int[Tensor, "b t"]]:
    """Distinct (frame, instruction) pairs: frame, instruction and one flat (b t) position of each; the inverse."""
    key = batch.frame_index * len(batch.instructions) + batch.instruction_index[:, None]
    distinct, inverse = torch.unique(key, return_inverse=True)
    flat = inverse.flatten()
    positions = torch.arange(len(flat), device=flat.device)
    first = torch.zeros_like(distinct).scatter_reduce(0, flat, positions, "amin", include_self=False)
    return distinct // len(batch.instructions), distinct % len(batch.instructions), first, inverse
