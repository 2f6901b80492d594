"""What both prompts of the published RoboVLMs checkpoints share: wording, images, layout."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Image, Media, Segment, Text
from robovlms.backbones.prompt import Sequence as Prompt
from robovlms.core.batch import Batch

INSTRUCTION = "{instruction}"
"""What stands in a template for the instruction."""


def bare(backbone: Backbone, around_image: tuple[str, str] = ("", "")) -> None:
    """Leave out what the family itself writes before a prompt, write this round an image, and see causally only."""
    backbone.opening, backbone.around_image, backbone.prefix_sees_itself = "", around_image, False


def write(
    backbone: Backbone, template: str, instructions: Sequence[str], special_tokens: bool, length: int | None = None
) -> Text:
    """Token ids of instructions in a template, padded on the right to the longest, or to ``length``.

    Raises:
        UserError: an instruction is empty, holds a special token, or needs more than ``length`` tokens.
    """
    for instruction in instructions:
        backbone.require_plain(instruction)
    written = [template.replace(INSTRUCTION, instruction.strip()) for instruction in instructions]
    return backbone.padded(written, special_tokens, length, "import the checkpoint with a greater --max-text-tokens")


def see_frames(backbone: Backbone, batch: Batch, frames: Int[Tensor, " p"]) -> list[Image]:
    """The cameras of a batch in order, a row a frame."""
    present = torch.ones_like(frames, dtype=torch.bool)
    seen = backbone.see(torch.cat(list(batch.images.values())))
    return [Image(media.at(frames), present) for media in seen.chunk(len(batch.images))]


def side_by_side(cameras: Sequence[Image]) -> list[Image]:
    """The cameras of a step as one image."""
    tokens = torch.cat([camera.media.tokens for camera in cameras], dim=1)
    return [Image(Media(tokens, (1, 1, tokens.shape[1])), cameras[0].valid)]


def lay_out(backbone: Backbone, segments: Sequence[Segment], count_padding: bool) -> Prompt:
    """Segments one behind the other; padding takes up positions if it counts."""
    prompt = backbone.compose(segments)
    if not count_padding:
        return prompt
    return replace(prompt, layout=replace(prompt.layout, counted=torch.ones_like(prompt.layout.valid)))


def pool(tokens: Float[Tensor, "p s d"], chosen: Bool[Tensor, "p s"], num_maxima: int) -> Float[Tensor, "p m d"]:
    """Maxima over equal parts of each row's chosen tokens, in order."""
    rows = [row[kept].T[None] for row, kept in zip(tokens, chosen, strict=True)]
    return torch.cat([nn.functional.adaptive_max_pool1d(row, num_maxima) for row in rows]).transpose(1, 2)
