"""Real-time chunking: a generative head continues the plan that is running instead of starting a rival one.

Black, Galliker and Levine 2025 (arXiv 2506.07339): the new chunk is inpainted around what is left of the running one.
Rows that will be executed before the new chunk arrives count fully, later ones less and less (eq. 5), and each step
of the sampler is pulled that way by the gradient of its own estimate of the clean chunk (eq. 2, 3; pseudo-inverse
guidance of Song et al. 2023). A head takes part by setting ``Head.continues_plans`` and passing the
``RunningPlan`` that ``predict`` gets on to ``guided`` or ``guided_velocity`` at each step.

Non-obvious behaviour: guidance is soft, so frozen rows come out near the running plan's and not equal to them. The
executor never plays them: they are over when the chunk arrives.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

MAX_GUIDANCE = 5.0
"""The paper's beta: largest weight of the guidance, in units of velocity. Larger ones diverge with few steps."""

Chunks = Float[Tensor, "b *samples k a"]


@dataclass(frozen=True)
class RunningPlan:
    """What is left of the plans being executed, one a row.

    Attributes:
        actions: Normalised as a head's own predictions; row 0 is for now. What lies beyond ``length`` is not read.
        length: Rows that are left; 0 where there is nothing to continue, and a prediction is then not guided.
        frozen: The first of these, that will be executed whatever the new plan says.
    """

    actions: Float[Tensor, "b k a"]
    length: Int[Tensor, " b"]
    frozen: Int[Tensor, " b"]

    def weights(self) -> Float[Tensor, "b k"]:
        """How much each row of the new chunk must agree (eq. 5): 1 frozen, then falling to 0 where the plan ends."""
        rows = torch.arange(self.actions.shape[1], device=self.actions.device)[None]
        length, frozen = self.length[:, None], torch.minimum(self.frozen, self.length)[:, None]
        ramp = ((length - rows) / (length - frozen + 1)).clamp(0, 1)
        return torch.where(rows < frozen, 1.0, ramp * torch.expm1(ramp) / math.expm1(1))


def guided(
    denoise: Callable[[Chunks], Chunks], noisy: Chunks, plan: RunningPlan, clean_scale: float, noise_scale: float
) -> Chunks:
    """The clean chunk estimated from ``noisy = clean_scale * clean + noise_scale * noise``, pulled towards ``plan``.

    It serves every sampler that goes through such an estimate: DDIM with (sqrt(alpha_bar), sqrt(1 - alpha_bar)), flow
    matching with (time, 1 - time), for which it equals eq. 2 of the paper.

    Args:
        denoise: The unguided estimate; differentiable in its argument. Its inputs must not be inference tensors.
        noisy: The chunk being denoised, or several samples of it.
        plan: What to continue.
        clean_scale: At least 0.
        noise_scale: Above 0.
    """
    with torch.enable_grad():
        point = noisy.detach().requires_grad_()
        estimate = denoise(point)
        clean = estimate.detach()
        one_each = (len(clean), *[1] * (clean.ndim - 3))
        weights, wanted = (v.reshape(*one_each, *v.shape[1:]) for v in (plan.weights()[..., None], plan.actions))
        error = torch.where(weights > 0, weights * (wanted - clean), 0.0)
        (pull,) = torch.autograd.grad(estimate, point, error)
    gain = MAX_GUIDANCE * noise_scale
    if clean_scale > 0:
        gain = min(gain, (clean_scale**2 + noise_scale**2) / clean_scale)
    return clean + gain * pull


def guided_velocity(velocity: Callable[[Chunks], Chunks], noisy: Chunks, plan: RunningPlan, time: float) -> Chunks:
    """The guided velocity of a flow from noise (time 0) to data (time 1), for time below 1 (eq. 2)."""
    left = 1 - time
    clean = guided(lambda point: point + left * velocity(point), noisy, plan, time, left)
    return (clean - noisy) / left
