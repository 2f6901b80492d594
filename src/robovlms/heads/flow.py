"""Flow matching: a straight path from noise to actions, followed in a few Euler steps.

Rectified flow (Liu et al., arXiv 2209.03003; Lipman et al., arXiv 2210.02747) as in pi0 (arXiv 2410.24164), where time
runs from 0, noise, to 1, actions.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.inpainting import RunningPlan, guided_velocity
from robovlms.heads.sampling import Chunks, Corrupted, Denoise, SamplingConfig, SamplingHead

LATEST = 0.999
"""Training times end here: beyond, no step of a sampler starts."""


class FlowConfig(SamplingConfig):
    """A denoiser trained by flow matching."""

    kind: Literal["flow"] = "flow"

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "FlowHead":
        """The head for slots, and a state if there is one, of these widths."""
        return FlowHead(self, action_spec, chunk, width, state_width)


class FlowHead(SamplingHead):
    """Learns the velocity from noise to action."""

    @override
    def corrupt(self, clean: Chunks, noise: Chunks, level: Float[Tensor, "b q"]) -> Corrupted:
        # Early times more often (pi0, appendix B): there the context decides, later the noisy chunk gives it away.
        time = LATEST * (1 - level ** (2 / 3))
        at = time[..., None, None]
        return Corrupted(at * clean + (1 - at) * noise, time, clean - noise)

    @override
    def continuing(self, denoise: Denoise, plan: RunningPlan) -> Denoise:
        def continued(noisy: Chunks, time: Float[Tensor, ""]) -> Chunks:
            return guided_velocity(lambda point: denoise(point, time), noisy, plan, time.item())

        return continued

    @override
    def sample(self, denoise: Denoise, noise: Chunks) -> Chunks:
        steps = self.config.sampling_steps
        for time in torch.arange(steps, device=noise.device) / steps:
            noise = noise + denoise(noise, time) / steps
        return noise
