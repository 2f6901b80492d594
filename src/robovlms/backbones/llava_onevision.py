"""LLaVA-OneVision (arXiv 2408.03326): a SigLIP tower, an MLP projector and a Qwen2.

Non-obvious: the family cuts an image that is alone in its prompt into tiles, and leaves each of several images whole. A
robot has several cameras and steps, so a frame is always one image of several: 729 tokens and the line end that the
model learned, never up to ten times as many.
"""

import torch
from jaxtyping import UInt8
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.splice import SpliceBackbone


class LlavaOneVisionBackbone(SpliceBackbone):
    """LLaVA-OneVision."""

    model_types = ("llava_onevision",)
    opening = "<|im_start|>user "

    @override
    def template(self, instruction: str) -> str:
        return f"\n{instruction}<|im_end|><|im_start|>assistant\n"

    @override
    def image_inputs(self, images: UInt8[Tensor, "f h w 3"]) -> dict[str, Tensor]:
        pixels = self.pixels(images)
        sizes = torch.tensor(pixels.shape[-2:], device=pixels.device).expand(len(pixels), -1)
        several = torch.tensor([max(len(pixels), 2)])  # also for one: a prompt with one image would be cut into tiles
        return {"pixel_values": pixels[:, None], "image_sizes": sizes, "batch_num_images": several}
