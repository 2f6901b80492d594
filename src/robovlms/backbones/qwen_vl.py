"""Qwen2-VL to Qwen3-VL (arXiv 2409.12191, 2511.21631): rotary positions with three axes; images of any size.

Non-obvious: the Hugging Face model keeps the last prompt's position offset as state on the module; positions are
computed here instead, from the layout alone. Images are square, at a size chosen here. Qwen3-VL's decoder adds features
of early vision layers to the image tokens in its first layers ("DeepStack").
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.pretrained import per_image
from robovlms.backbones.prompt import Cache, Layout, Media, Text, square
from robovlms.backbones.splice import SpliceBackbone

IMAGE_SIZE = 224
"""Pixels a side, as far as the processor's limits allow: 64 tokens an image in Qwen2-VL."""


class Qwen2VLBackbone(SpliceBackbone):
    """Qwen2-VL and Qwen2.5-VL."""

    model_types = ("qwen2_vl", "qwen2_5_vl")
    opening = "<|im_start|>user\n"
    around_image = ("<|vision_start|>", "<|vision_end|>")
    frames_in_limits: int = 1
    """How many times the processor's limits count the pixels of an image."""

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<|im_end|>\n<|im_start|>assistant\n"

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.model.visual.merger

    @classmethod
    @override
    def read_image_spec(cls, processor: Any) -> ImageSpec:
        factor = processor.patch_size * processor.merge_size
        least, most = (processor.size[edge] / cls.frames_in_limits for edge in ("shortest_edge", "longest_edge"))
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
        counted = layout.valid if layout.counted is None else layout.counted
        advance = torch.where(layout.image < 0, 1, extent) * counted
        answers = (layout.valid & ~counted).long()  # they stand on the place before them, ``skipped`` places on
        start = advance.cumsum(dim=1) - advance - answers
        places = start + layout.cell.T[:, None, :]
        return places if layout.skipped is None else places + layout.skipped


class Qwen3VLBackbone(Qwen2VLBackbone):
    """Qwen3-VL; ``Media.layers`` are what its decoder adds layer by layer."""

    model_types = ("qwen3_vl",)

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__(model, tokenizer, image_processor)
        self.num_media_layers = len(model.model.visual.deepstack_merger_list)

    @property
    @override
    def projector(self) -> nn.Module:
        tower = self.model.model.visual
        return nn.ModuleList([tower.merger, tower.deepstack_merger_list])

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        features = self.model.model.get_image_features(**self.image_inputs(images))
        tokens = per_image(features.pooler_output, len(images))
        layers = tuple(per_image(layer, len(images)) for layer in features.deepstack_features)
        return Media(tokens, square(tokens.shape[1]), layers)

    @override
    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        inputs = super().decoder_inputs(embeds, known)
        assert known.layout is not None
        numbers = known.layout.image[-embeds.shape[1] :]
        shown = numbers >= 0
        if not shown.any():
            return inputs
        media = [image.media for image in known.images[-len(numbers[shown].unique()) :]]
        added = [torch.cat([one.layers[i] for one in media], dim=1).flatten(0, 1) for i in range(self.num_media_layers)]
        return inputs | {"visual_pos_masks": shown.expand(len(embeds), -1), "deepstack_visual_embeds": added}
