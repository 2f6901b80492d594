"""The one value that crosses from data to a model: a ``Batch`` of windows with every distinct frame stored once.

Window ``i`` sees the frames ``frame_index[i, 0..t-1]`` (oldest first) of ``images``; a frame two windows share is
encoded once. Padding is on the left: a padded step repeats the oldest valid frame, and ``frame_valid`` is False.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """``b`` windows of ``t`` frames, each frame labelled with the ``k`` actions that follow it.

    Attributes:
        images: Camera name to the ``f`` distinct frames, RGB.
        frame_id: Number of each distinct frame in its store: the key of a feature cache.
        frame_index: Row in ``images`` of each step of each window.
        frame_valid: False where a step lies before the start of its episode.
        instructions: The distinct sentences.
        instruction_index: Row in ``instructions`` of each window.
        state: Proprioception in the units of the ``ObservationSpec``; zero columns when a recipe uses none, NaN in
            those that the embodiment of a window does not have.
        actions: ``actions[:, i, j]`` is executed ``j`` control steps after frame ``i``; normalised by the
            ``Normalizer`` of the window's data set, gripper in {0 closed, 1 open}. Zero where masked.
        action_mask: False where the frame is padding or the action lies after the end of the episode.
        dataset_id: Data set of each window; it selects the statistics that undo the normalisation.
        action_columns: Which columns of ``actions`` the embodiment of a window has; None for all. The others are zero.
        cameras: Which cameras it has; None for all. The images of the others are black.
        media: Where a frozen vision tower encoded the frames beforehand: ``p`` tokens for each of ``n`` cameras;
            ``images`` is empty then.
    """

    images: Mapping[str, UInt8[Tensor, "f _ _ 3"]]
    frame_id: Int64[Tensor, " f"]
    frame_index: Int64[Tensor, "b t"]
    frame_valid: Bool[Tensor, "b t"]
    instructions: tuple[str, ...]
    instruction_index: Int64[Tensor, " b"]
    state: Float[Tensor, "b t _"]
    actions: Float[Tensor, "b t k a"]
    action_mask: Bool[Tensor, "b t k"]
    dataset_id: Int64[Tensor, " b"]
    action_columns: Bool[Tensor, "b a"] | None = None
    cameras: Bool[Tensor, "b n"] | None = None
    media: Float[Tensor, "f n p d"] | None = None

    def __len__(self) -> int:
        return len(self.dataset_id)

    def to(self, device: torch.device | str, non_blocking: bool = True) -> "Batch":
        """The same batch on ``device``; copies from pinned memory do not wait."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory."""
        return self._map(Tensor.pin_memory)

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        changed = {f.name: function(v) for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor)}
        images = {camera: function(frames) for camera, frames in self.images.items()}
        return replace(self, images=images, **changed)
