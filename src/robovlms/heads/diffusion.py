"""Diffusion: noise is added to actions in many small steps (DDPM) and taken away in a few large ones (DDIM).

As Diffusion Policy (Chi et al., arXiv 2303.04137) with the cosine schedule of Nichol and Dhariwal (arXiv 2102.09672).
The denoiser predicts the velocity of Salimans and Ho (arXiv 2202.00512), from which both noise and action follow
without a division, so that no sample has to be clipped.
"""

import math
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.inpainting import RunningPlan, guided
from robovlms.heads.sampling import Chunks, Corrupted, Denoise, SamplingConfig, SamplingHead


class DiffusionConfig(SamplingConfig):
    """A denoiser trained on ``noise_steps`` levels of noise."""

    kind: Literal["diffusion"] = "diffusion"
    noise_steps: int = Field(100, ge=1)

    @model_validator(mode="after")
    def _fewer(self) -> "DiffusionConfig":
        if self.sampling_steps > self.noise_steps:
            raise ValueError(
                f"sampling_steps {self.sampling_steps} is more than the noise_steps {self.noise_steps} that exist"
            )
        return self

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "DiffusionHead":
        """The head for slots, and a state if there is one, of these widths."""
        return DiffusionHead(self, action_spec, chunk, width, state_width)


class DiffusionHead(SamplingHead):
    """Learns the velocity ``signal * noise - sigma * action`` at every level of noise."""

    signal: Tensor

    def __init__(self, config: DiffusionConfig, action_spec: ActionSpec, chunk: int, width: int, state_width: int):
        super().__init__(config, action_spec, chunk, width, state_width)
        self.noise_steps = config.noise_steps
        self.register_buffer("signal", cosine_schedule(config.noise_steps), persistent=False)

    @override
    def corrupt(self, clean: Chunks, noise: Chunks, level: Float[Tensor, "b q"]) -> Corrupted:
        step = 1 + (level * self.noise_steps).long()
        signal = self.signal[step][..., None, None]
        sigma = (1 - signal**2).sqrt()
        return Corrupted(signal * clean + sigma * noise, step / self.noise_steps, signal * noise - sigma * clean)

    @override
    def continuing(self, denoise: Denoise, plan: RunningPlan) -> Denoise:
        def continued(noisy: Chunks, time: Float[Tensor, ""]) -> Chunks:
            signal = self.signal[round(time.item() * self.noise_steps)].item()
            sigma = math.sqrt(1 - signal**2)
            clean = guided(lambda point: signal * point - sigma * denoise(point, time), noisy, plan, signal, sigma)
            return (signal * noisy - clean) / sigma

        return continued

    @override
    def sample(self, denoise: Denoise, noise: Chunks) -> Chunks:
        noisy = noise
        count = self.config.sampling_steps
        steps = [round(self.noise_steps * i / count) for i in range(count, -1, -1)]
        for step, following in pairwise(steps):
            velocity = denoise(noisy, torch.tensor(step / self.noise_steps, device=noise.device))
            signal, sigma = self.signal[step], (1 - self.signal[step] ** 2).sqrt()
            clean, left = signal * noisy - sigma * velocity, signal * velocity + sigma * noisy
            noisy = self.signal[following] * clean + (1 - self.signal[following] ** 2).sqrt() * left
        return noisy


def cosine_schedule(steps: int) -> Float[Tensor, " s"]:
    """What is left of an action after 0, 1, ..., ``steps`` steps of noise, as a factor; 1 at step 0."""

    def kept(step: int) -> float:
        return math.cos((step / steps + 0.008) / 1.008 * math.pi / 2) ** 2

    factors = [1.0] + [max(kept(i + 1) / kept(i), 1e-3) for i in range(steps)]
    return torch.tensor(factors, dtype=torch.float64).cumprod(0).sqrt().float()
