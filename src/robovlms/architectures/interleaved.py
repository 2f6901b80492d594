"""Interleaved structure: ``[text, images 1, state 1, slots 1, images 2, ...]`` in one sequence (arXiv 2412.14058).

Steps are causal, so slots of a step read what was seen up to it, and every step of a window learns. Where a window is
padded, its steps are turned so that padding comes last: no step sees it, and positions are those of a shorter window.
"""

from dataclasses import replace
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from robovlms.architectures.streaming import StreamingArchitecture, StreamingConfig
from robovlms.architectures.window import turned
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Cache, Segment, Text
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class InterleavedConfig(StreamingConfig):
    """One sequence a window; the language model fuses ``history`` frames."""

    kind: Literal["interleaved_continuous"] = "interleaved_continuous"

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "Interleaved":
        """The structure round a backbone and a head."""
        return Interleaved(self, backbone, head, state_dims)


class Interleaved(StreamingArchitecture):
    """Slots after every step of one sequence."""

    @override
    def instructions(self, batch: Batch) -> Text:
        words = super().instructions(batch)
        return words if self.span is None else replace(words, step=-1)

    @override
    def read(self, frames: Features, batch: Batch) -> Features:
        padding = (~frames.valid).sum(dim=1)
        steps = self.media(turned(frames.slots, padding), batch)
        state = None if frames.state is None else turned(frames.state, padding)
        segments: list[Segment] = [self.instructions(batch)]
        for step, cameras in enumerate(steps):
            segments += self.step(batch, cameras, None if state is None else state[:, step], step)
        sequence = self.backbone.compose(segments, span=self.span)
        hidden, _ = self.backbone.think(sequence)
        slots = turned(self.backbone.slots(hidden, sequence.layout, len(steps)), -padding)
        known = sequence.layout.valid & (sequence.layout.step < (len(steps) - padding)[:, None])
        return Features(slots, frames.valid, self.direct(frames.state), hidden, known)

    @override
    def step_features(self, slots: Float[Tensor, "b t m d"], valid: Tensor, cache: Cache, step: int) -> Features:
        return Features(slots, valid)
