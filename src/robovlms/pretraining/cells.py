"""Where-is-it supervision inside the tower: each level of its map says in which cell a thing lies, and where there.

Without it a tower this small stays at the majority answer for blocks for minutes: position survives neither pooling
nor attention unless something asks for it. The heads are thrown away after pre-training.
"""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import LevitModel

from robovlms.pretraining.frames import POINTS, Frame
from robovlms.pretraining.model import IMAGE_SIZE, NUM_IMAGES


class CellHeads(nn.Module):
    """One linear head a level: the 8 x 8 and 4 x 4 maps of the stem, and the tokens the tower returns."""

    def __init__(self, tower: LevitModel):
        super().__init__()
        stem, widths = tower.patch_embeddings, tower.config.hidden_sizes
        self._maps: list[Tensor] = []
        for layer in (stem.embedding_layer_3, stem.embedding_layer_4):
            layer.register_forward_hook(self._keep)
        self.heads = nn.ModuleList(
            nn.Linear(width, 3 * len(POINTS)) for width in (widths[0] // 2, widths[0], widths[-1])
        )

    def _keep(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        if module.training:
            self._maps.append(F.hardswish(output).flatten(2).transpose(1, 2))

    def loss(self, features: Float[Tensor, "p t e"], frames: list[Frame]) -> Float[Tensor, ""]:
        """Mean over the levels of the pass just made: cross-entropy of the cell plus error of the place inside it."""
        levels = [*self._maps, features.unflatten(1, (NUM_IMAGES, -1)).flatten(0, 1)]
        self._maps.clear()
        pixels = torch.from_numpy(np.stack([frame.record["pixels"] for frame in frames])).flatten(0, 1)
        visible = torch.from_numpy(np.stack([frame.record["visible"] for frame in frames])).flatten(0, 1)
        parts = [
            cell_loss(head(level).unflatten(-1, (len(POINTS), 3)), pixels, visible)
            for head, level in zip(self.heads, levels, strict=True)
        ]
        return torch.stack(parts).mean()


def cell_loss(
    output: Float[Tensor, "f s n 3"], pixels: Float[Tensor, "f n 2"], visible: Bool[Tensor, "f n"]
) -> Float[Tensor, ""]:
    """Loss of one level with ``s`` cells: a score and an (x, y) offset for each thing in each cell."""
    side = round(output.shape[1] ** 0.5)
    place = pixels * side / IMAGE_SIZE
    corner = place.long().clamp(0, side - 1)
    cell = corner[..., 1] * side + corner[..., 0]
    scores = output[..., 0].transpose(1, 2)
    missed = F.cross_entropy(scores.flatten(0, 1), cell.flatten(), reduction="none").view_as(cell)
    there = output[..., 1:].transpose(1, 2).gather(2, cell[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]
    off = F.smooth_l1_loss(there, place - corner - 0.5, beta=0.05, reduction="none").sum(-1)
    return ((missed + off) * visible).sum() / visible.sum().clamp(min=1)
