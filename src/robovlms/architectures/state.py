"""Proprioception as one token of a prompt."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class StateEncoder(nn.Module):
    """Standardises proprioception with the training data's statistics and embeds it as one token."""

    mean: Tensor
    std: Tensor

    def __init__(self, dims: int, width: int, noise: float):
        super().__init__()
        self.noise = noise
        self.register_buffer("mean", torch.zeros(dims))
        self.register_buffer("std", torch.ones(dims))
        self.mlp = nn.Sequential(nn.Linear(dims, width), nn.GELU(), nn.Linear(width, width))

    def standardise(self, mean: Tensor, std: Tensor) -> None:
        """Use these statistics; constant dimensions are left at zero."""
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6, std, torch.ones_like(std)))

    def forward(self, state: Float[Tensor, "n s"]) -> Float[Tensor, "n 1 d"]:
        """Embed raw states (units of the ObservationSpec); a column that is NaN is one the robot does not have."""
        scaled = (state - self.mean) / self.std
        if self.training:
            scaled = scaled + self.noise * torch.randn_like(scaled)
        return self.mlp(scaled.where(~scaled.isnan(), 0.0))[:, None]
