"""Qwen2-VL (arXiv 2409.12191): rotary positions with a time, a height and a width axis; images of any size.

Non-obvious: the Hugging Face model keeps the last prompt's position offset as state on the module; positions are
computed here instead, from the layout alone. Images are square, at a size chosen here.
"""

import math

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.prompt import Layout
from robovlms.backbones.splice import SpliceBackbone

IMAGE_SIZE = 224
"""Pixels a side, as far as the processor's limits allow: 64 tokens an image in Qwen2-VL."""


class Qwen2VLBackbone(SpliceBackbone):
    """Qwen2-VL and Qwen2.5-VL."""

    model_types = ("qwen2_vl", "qwen2_5_vl")
    opening = "<|im_start|>user\n"
    around_image = ("<|vision_start|>", "<|vision_end|>")

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<|im_end|>\n<|im_start|>assistant\n"

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.model.visual.merger

    @property
    @override
    def image_spec(self) -> ImageSpec:
        processor = self.image_processor
        factor = processor.patch_size * processor.merge_size
        least, most = processor.size["shortest_edge"], processor.size["longest_edge"]
        fewest, many = math.ceil(math.sqrt(least) / factor), math.floor(math.sqrt(most) / factor)
        size = min(max(IMAGE_SIZE // factor, fewest), many) * factor
        return ImageSpec(size=size, mean=tuple(processor.image_mean), std=tuple(processor.image_std))

    @override
    def image_inputs(self, images: UInt8[Tensor, "f h w 3"]) -> dict[str, Tensor]:
        pixels = self.pixels(images)
        side = pixels.shape[-1] // self.image_processor.patch_size
        grid = torch.tensor([[1, side, side]], device=pixels.device).expand(len(pixels), -1)
        return {"pixel_values": self._patches(pixels), "image_grid_thw": grid}

    def _patches(self, pixels: Float[Tensor, "f 3 h w"]) -> Float[Tensor, "p v"]:
        """Patches as rows, the four that merge into one token beside each other; an image is repeated in time."""
        patch, merge = self.image_processor.patch_size, self.image_processor.merge_size
        cells = pixels.unflatten(3, (-1, merge, patch)).unflatten(2, (-1, merge, patch))
        cells = cells.permute(0, 2, 5, 3, 6, 1, 4, 7)[:, :, :, :, :, :, None]
        repeated = cells.expand(*[-1] * 6, self.image_processor.temporal_patch_size, -1, -1)
        return repeated.flatten(5).flatten(0, 4)

    @override
    def positions(self, layout: Layout) -> Int[Tensor, "3 b s"]:
        """A word advances all axes by one, an image by its larger side, at its last token; padding by nothing."""
        ends = layout.image.roll(-1) != layout.image
        ends[-1] = True
        extent = torch.where(ends, layout.cell.amax(dim=1) + 1, 0)
        advance = torch.where(layout.image < 0, 1, extent) * layout.valid
        start = advance.cumsum(dim=1) - advance
        return start + layout.cell.T[:, None, :]
