"""Interleaved structure: ``[text, images 1, state 1, slots 1, images 2, ...]`` in one sequence (arXiv 2412.14058).

Steps are causal, so slots of a step read what was seen up to it, and every step of a window learns. Where a window is
padded, its steps are turned so that padding comes last: no step sees it, and positions are those of a shorter window.
"""

from typing import Literal

import torch
from pydantic import Field
from typing_extensions import override

from robovlms.architectures.vlm import VLMConfig
from robovlms.architectures.window import WindowArchitecture, turned
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Image, Segment
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class InterleavedConfig(VLMConfig):
    """One sequence a window; the language model fuses ``history`` frames."""

    kind: Literal["interleaved_continuous"] = "interleaved_continuous"
    history: int = Field(8, ge=1, le=64)
    read: Literal["slots"] = "slots"
    """Pooling would mix the steps of a sequence."""

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "Interleaved":
        """The structure round a backbone and a head."""
        return Interleaved(self, backbone, head, state_dims)


class Interleaved(WindowArchitecture):
    """Slots after every step of one sequence."""

    @override
    def read(self, frames: Features, batch: Batch) -> Features:
        padding = (~frames.valid).sum(dim=1)
        steps = self.media(turned(frames.slots, padding), batch)
        state = None if frames.state is None else turned(frames.state, padding)
        present = torch.ones_like(padding, dtype=torch.bool)
        segments: list[Segment] = [self.instructions(batch)]
        for step, cameras in enumerate(steps):
            segments += [Image(media, present, step) for media in cameras]
            segments += self.states(None if state is None else state[:, step], step)
            segments += self.slots(step)
        sequence = self.backbone.compose(segments)
        hidden, _ = self.backbone.think(sequence)
        slots = turned(self.backbone.slots(hidden, sequence.layout, len(steps)), -padding)
        known = sequence.layout.valid & (sequence.layout.step < (len(steps) - padding)[:, None])
        return Features(slots, frames.valid, self.direct(frames.state), hidden, known)
