"""Regression of the pose plus binary cross-entropy of the gripper: ``L = L_pose + lambda * BCE`` (arXiv 2412.14058).

Masked means: padding and actions beyond the episode count nothing, and an all-masked batch gives zero, not NaN.
"""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

PoseLoss = Literal["huber", "mse", "l1"]

_POINTWISE = {"huber": F.smooth_l1_loss, "mse": F.mse_loss, "l1": F.l1_loss}


def pose_loss(
    predicted: Float[Tensor, "*n p"], target: Float[Tensor, "*n p"], mask: Bool[Tensor, "*n"], kind: PoseLoss
) -> Float[Tensor, ""]:
    """Mean over valid entries of the chosen regression loss (Huber with delta 1)."""
    return masked_mean(_POINTWISE[kind](predicted, target, reduction="none").mean(dim=-1), mask)


def gripper_loss(
    logits: Float[Tensor, "*n g"], target: Float[Tensor, "*n g"], mask: Bool[Tensor, "*n"]
) -> Float[Tensor, ""]:
    """Mean binary cross-entropy over valid entries; targets are 0 closed, 1 open."""
    return masked_mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(dim=-1), mask)


def masked_mean(values: Float[Tensor, "*n"], mask: Bool[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean over the masked-in entries; zero when there are none."""
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
