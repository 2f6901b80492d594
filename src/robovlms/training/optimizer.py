"""AdamW with two learning rates, warm-up and cosine decay over the run's progress.

Progress is the share of the budget used: of the steps, or of the wall clock, whichever is further. A run with a time
limit therefore always ends at the bottom of its schedule.
"""

import math

import torch
from pydantic import Field
from torch import nn

from robovlms.backbones.adapters import is_vlm_weight
from robovlms.core.config import Config


class OptimizerConfig(Config):
    """``learning_rate`` is for new parts; the VLM's is ``backbone_scale`` times that."""

    learning_rate: float = Field(1e-3, gt=0)
    backbone_scale: float = Field(1.0, ge=0)
    weight_decay: float = Field(1e-4, ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: float = Field(0.03, ge=0, lt=1)
    """Share of the run with a rising learning rate."""
    final: float = Field(0.02, ge=0, le=1)
    """Last learning rate as a share of the peak."""
    max_grad_norm: float = Field(1.0, gt=0)

    def build(self, network: nn.Module) -> torch.optim.AdamW:
        """The optimizer over every trainable parameter; vectors and biases are not decayed."""
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                scale = self.backbone_scale if is_vlm_weight(name) else 1.0
                decay = self.weight_decay if parameter.ndim > 1 else 0.0
                groups.setdefault((scale, decay), []).append(parameter)
        settings = [
            {
                "params": parameters,
                "lr": self.learning_rate * scale,
                "peak": self.learning_rate * scale,
                "weight_decay": decay,
            }
            for (scale, decay), parameters in groups.items()
        ]
        return torch.optim.AdamW(settings, betas=self.betas, fused=True)

    def factor(self, progress: float) -> float:
        """Share of the peak learning rate at a progress in [0, 1]."""
        if progress < self.warmup:
            return max(progress / self.warmup, 1e-3)
        rest = min((progress - self.warmup) / (1 - self.warmup), 1.0)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * rest))

    def set_rate(self, optimizer: torch.optim.Optimizer, progress: float) -> float:
        """Set every group's learning rate; returns the one of new parts."""
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * self.factor(progress)
        return self.learning_rate * self.factor(progress)
