"""What crosses from vision-language data to a model: questions about images, and their answers."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor


@dataclass(frozen=True, slots=True)
class VLBatch:
    """``b`` questions about an image each.

    Attributes:
        images: RGB; black where there is none.
        has_image: False where a question is about no image.
        questions: Without the mark that stands for the image.
        answers: What shall be said.
        all_answers: Those of the whole batch, of which this may be one process's share.
        loss_weight: Factor of the loss.
        max_answer_tokens: Longer answers are cut.
    """

    images: UInt8[Tensor, "b h w 3"]
    has_image: Bool[Tensor, " b"]
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    all_answers: tuple[str, ...]
    loss_weight: float = 1.0
    max_answer_tokens: int = 64

    def __len__(self) -> int:
        return len(self.questions)

    def to(self, device: torch.device | str, non_blocking: bool = True) -> "VLBatch":
        """The same batch on ``device``."""
        images, has_image = (part.to(device, non_blocking=non_blocking) for part in (self.images, self.has_image))
        return replace(self, images=images, has_image=has_image)
