"""The tower while it stands still: each frame is encoded once, when it is first drawn."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import LevitModel

from robovlms.pretraining.batches import pixel_values
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.network import paired


class StillTower:
    """Features of the frames of a pool, in 16 bits, from undistorted colours (they must not depend on the draw)."""

    def __init__(self, tower: LevitModel, num_frames: int):
        self._tower = tower
        self._known = np.zeros(num_frames, dtype=bool)
        self._features = torch.empty(0)

    @torch.no_grad()
    def __call__(self, places: Int[np.ndarray, " p"], frames: Sequence[Frame]) -> Float[Tensor, "p s e"]:
        """Features of ``frames``, which stand at ``places`` of the pool."""
        new = np.flatnonzero(~self._known[places])
        if len(new):
            fresh = paired(self._tower(pixel_values([frames[index] for index in new])).last_hidden_state)
            if not len(self._features):
                self._features = torch.empty(len(self._known), *fresh.shape[1:], dtype=torch.float16)
            self._features[places[new]] = fresh.half()
            self._known[places[new]] = True
        return self._features[places].float()
