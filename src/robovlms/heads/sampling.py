"""What diffusion and flow heads share: a denoiser, losses on its answer, and several samples of a chunk.

The gripper is one more column of the chunk, closed at -1 and open at 1, so that a sample decides pose and gripper
together: a separate average over moments of grasping would fit none of them.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.attention import TransformerConfig
from robovlms.heads.confidence import agreement
from robovlms.heads.denoiser import ContextReader, Denoiser
from robovlms.heads.head import Features, Head, Losses, Prediction, Queries
from robovlms.heads.inpainting import RunningPlan
from robovlms.heads.losses import masked_mean

Chunks = Float[Tensor, "b q k a"]
Denoise = Callable[[Chunks, Float[Tensor, ""]], Chunks]
"""(noisy chunks, time in [0, 1]) to the denoiser's answer."""


class SamplingConfig(TransformerConfig):
    """Settings every sampling head has; ``width`` and ``num_layers`` are the denoiser's.

    Attributes:
        num_slots: Learned queries in the prompt.
        sampling_steps: Steps from noise to a chunk.
        samples: Chunks sampled at each plan; the first is played, and how far the others agree with it is the
            confidence. With 1 there is none.
        draws: Draws of noise and time for each label of a batch: a denoiser costs little beside a VLM.
        attends: Whether actions see only slots and state, or every token of the last prompt too.
        gripper_weight: Weight of the gripper's column in the loss.
    """

    num_slots: int = Field(1, ge=1)
    sampling_steps: int = Field(10, ge=1)
    samples: int = Field(4, ge=1)
    draws: int = Field(4, ge=1)
    attends: Literal["slots", "memory"] = "slots"
    gripper_weight: float = Field(0.5, ge=0)


@dataclass(frozen=True)
class Corrupted:
    """Noisy chunks, their time, and what the denoiser should say of them."""

    noisy: Chunks
    time: Float[Tensor, "b q"]
    target: Chunks


class SamplingHead(Head):
    """Draws chunks from noise, conditioned on slots, state and perhaps memory."""

    continues_plans = True

    def __init__(self, config: SamplingConfig, action_spec: ActionSpec, chunk: int, width: int, state_width: int):
        super().__init__(action_spec, chunk)
        self.config = config
        self.reader = ContextReader(config.width, config.num_slots, width, state_width, config.attends == "memory")
        self.denoiser = Denoiser(config, chunk, action_spec.dims)
        self.noise_shape = (config.samples, chunk, action_spec.dims)

    @abstractmethod
    def corrupt(self, clean: Chunks, noise: Chunks, level: Float[Tensor, "b q"]) -> Corrupted:
        """Mix chunks with noise; ``level``, uniform in [0, 1), decides how much."""

    @abstractmethod
    def continuing(self, denoise: Denoise, plan: RunningPlan) -> Denoise:
        """The denoiser whose answers lead to chunks that continue ``plan``."""

    @abstractmethod
    def sample(self, denoise: Denoise, noise: Chunks) -> Chunks:
        """Turn noise into chunks."""

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        return Queries(num_slots=self.config.num_slots)

    @override
    def loss(
        self,
        features: Features,
        actions: Float[Tensor, "b t k a"],
        mask: Bool[Tensor, "b t k"],
        columns: Bool[Tensor, "b a"] | None = None,
    ) -> Losses:
        steps = torch.arange(actions.shape[1], device=actions.device).repeat(self.config.draws)
        kept = actions.where(mask[..., None], 0.0)  # a NaN beyond an episode's end would pass through attention
        clean, mask = self.signed(kept)[:, steps], mask[:, steps]
        made = self.corrupt(clean, *self._chance(clean))
        answer = self.denoiser(made.noisy, made.time, self.reader(features).at(steps), mask)
        error = (answer - made.target) ** 2
        parts = {"pose": masked_mean(error[..., self.pose_columns].mean(dim=-1), mask)}
        total = parts["pose"]
        if self.gripper_columns:
            parts["gripper"] = masked_mean(error[..., self.gripper_columns].mean(dim=-1), mask)
            total = total + self.config.gripper_weight * parts["gripper"]
        return Losses(total, parts)

    def _chance(self, clean: Chunks) -> tuple[Chunks, Float[Tensor, "b q"]]:
        """Noise and levels; the same at every validation, so that its losses compare."""
        generator = None if self.training else torch.Generator(clean.device).manual_seed(0)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
        return noise, torch.rand(clean.shape[:2], generator=generator, device=clean.device, dtype=clean.dtype)

    @override
    def predict(
        self, features: Features, noise: Float[Tensor, "b ..."] | None = None, plan: RunningPlan | None = None
    ) -> Prediction:
        rows, steps = features.valid.shape
        if noise is None:
            noise = torch.randn(rows, *self.noise_shape, device=features.slots.device)
        last = torch.full((noise.shape[1],), steps - 1, device=noise.device)
        context = self.reader(features).at(last)

        def denoise(noisy: Chunks, time: Float[Tensor, ""]) -> Chunks:
            return self.denoiser(noisy, time.expand(noisy.shape[:2]), context)

        if plan is not None:
            signed = replace(plan, actions=self.signed(plan.actions))
            samples = self.unsigned(self.sample(self.continuing(denoise, signed), noise))
        else:
            samples = self.unsigned(self.sample(denoise, noise))
        others = samples[:, 1:]
        sure = agreement(others - samples[:, :1]).mean(dim=1) if others.shape[1] else None
        return Prediction(samples[:, 0], sure)

    def signed(self, actions: Float[Tensor, "*n a"]) -> Float[Tensor, "*n a"]:
        """Grippers from {0, 1} to {-1, 1}, the range of the other columns."""
        values = actions.clone()
        values[..., self.gripper_columns] = 2 * actions[..., self.gripper_columns] - 1
        return values

    def unsigned(self, values: Float[Tensor, "*n a"]) -> Float[Tensor, "*n a"]:
        """Grippers back to [0, 1]."""
        actions = values.clone()
        actions[..., self.gripper_columns] = ((values[..., self.gripper_columns] + 1) / 2).clamp(0, 1)
        return actions
