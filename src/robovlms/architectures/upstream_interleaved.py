"""The published RoboVLMs prompt with all frames of a window in one sequence (``history_type: pre``).

Source: ``forward_continuous`` of ``robovlms/model/backbone/base_backbone.py`` in Robot-VLAs/RoboVLMs (8adc1d2); how it
acts: ``eval/calvin/model_wrapper.py``. Each frame repeats the whole prompt of a step, its text included.

Non-obvious: the original plays what it plans at the oldest frame it still sees; ``acts_on`` repeats that or plays the
newest frame's plan.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from typing_extensions import override

from robovlms.architectures.upstream import Padding, UpstreamPrompt, UpstreamStepConfig
from robovlms.architectures.upstream_layout import see_frames
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Image, Media, Text, square
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head, Prediction


class UpstreamInterleavedConfig(UpstreamStepConfig):
    """A step is written as in ``upstream_prompt``."""

    kind: Literal["upstream_interleaved"] = "upstream_interleaved"
    max_text_tokens: int = Field(48, ge=4)
    acts_on: Literal["newest", "oldest"] = "newest"


class UpstreamInterleaved(UpstreamPrompt):
    """The language model sees a window at once; acting encodes a frame once and thinks about the window anew."""

    def __init__(self, config: UpstreamInterleavedConfig, backbone: Backbone, head: Head):
        super().__init__(config, backbone, head)
        self.acts_on = config.acts_on

    @override
    def features(self, batch: Batch) -> Features:
        steps = zip(batch.frame_index.unbind(dim=1), batch.frame_valid.unbind(dim=1), strict=True)
        images = [
            [Image(image.media, valid) for image in see_frames(self.backbone, batch, frames)] for frames, valid in steps
        ]
        return self._window(batch, None, images, self.config.padding)

    @override
    def act(self, batch: Batch) -> Features:
        """The tokens of a frame's cameras, to be kept."""
        images = see_frames(self.backbone, batch, batch.frame_index[:, -1])
        return Features(torch.cat([image.media.tokens for image in images], dim=1)[:, None], batch.frame_valid[:, -1:])

    @override
    def predict(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        images = []
        for tokens, valid in zip(window.slots.unbind(dim=1), window.valid.unbind(dim=1), strict=True):
            cameras = tokens.chunk(len(batch.images), dim=1)
            images.append([Image(Media(camera, square(camera.shape[1])), valid) for camera in cameras])
        seen = self._window(batch, self.config.max_text_tokens, images, "masked")
        if self.acts_on == "newest":
            return self.head.predict(seen, **given)
        oldest = seen.valid.int().argmax(dim=1)
        rows = torch.arange(len(oldest), device=oldest.device)
        return self.head.predict(Features(seen.slots[rows, oldest][:, None], seen.valid[:, -1:]), **given)

    def _window(
        self, batch: Batch, length: int | None, images: Sequence[Sequence[Image]], padding: Padding
    ) -> Features:
        text = self.write(batch.instructions, length)
        own = batch.instruction_index
        read = self.think(Text(text.ids[own], text.valid[own]), images, padding)
        return Features(read, torch.stack([cameras[0].valid for cameras in images], dim=1))
