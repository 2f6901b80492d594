"""Losses of action heads: ``L_pose + lambda * BCE`` (arXiv 2412.14058), and cross-entropy where actions are tokens.

Masked means: padding and actions beyond the episode count nothing, whatever numbers stand there (NaN included), and
where everything is masked the loss and its gradient are zero.
"""

from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

PoseLoss = Literal["huber", "mse", "l1"]


def pose_loss(
    predicted: Float[Tensor, "*n p"],
    target: Float[Tensor, "*n p"],
    mask: Bool[Tensor, "*n"],
    kind: PoseLoss,
    huber_delta: float = 1.0,
    present: Bool[Tensor, "*#n p"] | None = None,
) -> Float[Tensor, ""]:
    """Mean over valid entries of the chosen regression loss, of each over the dimensions ``present`` in it.

    Huber is squared up to an error of ``huber_delta`` and linear with slope 1 beyond (``torch.nn.SmoothL1Loss``).
    """
    predicted, target = _kept(predicted, mask), _kept(target, mask)
    if kind == "huber":
        errors = F.smooth_l1_loss(predicted, target, reduction="none", beta=huber_delta)
    else:
        errors = {"mse": F.mse_loss, "l1": F.l1_loss}[kind](predicted, target, reduction="none")
    return _present_mean(errors, mask, present)


def gripper_loss(
    logits: Float[Tensor, "*n g"],
    target: Float[Tensor, "*n g"],
    mask: Bool[Tensor, "*n"],
    present: Bool[Tensor, "*#n g"] | None = None,
) -> Float[Tensor, ""]:
    """Mean binary cross-entropy over valid entries with a gripper ``present``; targets are 0 closed, 1 open."""
    logits, target = _kept(logits, mask), _kept(target, mask)
    return _present_mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none"), mask, present)


def token_loss(logits: Float[Tensor, "*n v"], target: Int[Tensor, "*n"], mask: Bool[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean cross-entropy over valid entries; targets are ids of ``v`` and anything (-100, say) where masked."""
    logits, target = _kept(logits, mask), target.where(mask, 0)
    losses = F.cross_entropy(logits.flatten(0, -2), target.flatten(), reduction="none")
    return masked_mean(losses.view(mask.shape), mask)


def present_in(columns: Bool[Tensor, "b a"] | None, chosen: Sequence[int]) -> Bool[Tensor, "b 1 1 p"] | None:
    """Which of the ``chosen`` dimensions each row's embodiment has; None for all."""
    return None if columns is None else columns[:, None, None, list(chosen)]


def masked_mean(values: Float[Tensor, "*n"], mask: Bool[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean over the masked-in entries; zero when there are none."""
    return values.where(mask, 0.0).sum() / mask.sum().clamp(min=1)


def _present_mean(
    errors: Float[Tensor, "*n p"], mask: Bool[Tensor, "*n"], present: Bool[Tensor, "*#n p"] | None
) -> Float[Tensor, ""]:
    """Each entry counts the same, however many dimensions are present in it; one without any counts nothing."""
    if present is None:
        return masked_mean(errors.mean(dim=-1), mask)
    means = errors.where(present, 0.0).sum(dim=-1) / present.sum(dim=-1).clamp(min=1)
    return masked_mean(means, mask & present.any(dim=-1))


def _kept(values: Float[Tensor, "*n p"], mask: Bool[Tensor, "*n"]) -> Float[Tensor, "*n p"]:
    """Zero where masked, in front of the loss: multiplying after it would let a NaN through."""
    return values.where(mask[..., None], 0.0)
