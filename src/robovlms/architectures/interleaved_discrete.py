"""Interleaved structure with words for actions: ``[text, images 1, state 1, slot 1, answer 1, images 2, ...]``.

An answer is seen by itself alone and takes up no position of what follows it. So a policy cannot copy what it did
before, every step of a window learns, and acting, which lays out no earlier answers, is what was trained.

Padding stands on the left and is seen by nobody; the text is before all steps and sees none of them.
"""

from dataclasses import replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from typing_extensions import override

from robovlms.architectures.answering import Answering, AnsweringConfig
from robovlms.architectures.streaming import StreamingArchitecture, StreamingConfig
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Cache, Segment, Sequence
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head, Prediction


class InterleavedDiscreteConfig(AnsweringConfig, StreamingConfig):
    """One sequence a window, with an answer after each step."""

    kind: Literal["interleaved_discrete"] = "interleaved_discrete"
    state_in: Literal["prompt"] = "prompt"
    """The head has no parameters that could read a state."""

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "InterleavedDiscrete":
        """The structure round a backbone and a head."""
        return InterleavedDiscrete(self, backbone, head, state_dims)


class InterleavedDiscrete(Answering, StreamingArchitecture):
    """Answers after the steps of one sequence."""

    @override
    def read(self, frames: Features, batch: Batch) -> Features:
        right = self.right(batch)
        sequence = self.lay_out(frames, batch, right)
        hidden, _ = self.backbone.think(replace(sequence, layout=sequence.layout.answers_apart()))
        slots, asked = self.asked(hidden, sequence.layout, right.shape[1])
        return Features(slots, frames.valid, logits=self.logits(asked))

    @override
    def plan(self, batch: Batch, **given: Any) -> Prediction:
        return self.recompute(self.act(batch), batch, **given)

    @override
    def recompute(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        sequence = self.lay_out(window, batch, None)
        hidden, cache = self.backbone.think(sequence, self.backbone.new_cache())
        num_steps = window.valid.shape[1]
        slots = self.backbone.slots(hidden, sequence.layout, num_steps)[:, -1:]
        logits = self.answer(slots[:, 0, -1], cache, step=num_steps - 1)
        return self.head.predict(Features(slots, window.valid[:, -1:], logits=logits[:, None]), **given)

    @override
    def step_features(self, slots: Float[Tensor, "b t m d"], valid: Tensor, cache: Cache, step: int) -> Features:
        return Features(slots, valid, logits=self.answer(slots[:, -1, -1], cache, step)[:, None])

    def lay_out(self, frames: Features, batch: Batch, right: Int[Tensor, "b t l"] | None) -> Sequence:
        """The prompt of all steps, with the right answers or none."""
        steps = self.media(frames.slots, batch)
        segments: list[Segment] = [replace(self.instructions(batch), step=-1)]
        for step, cameras in enumerate(steps):
            segments += self.shown(batch, cameras, frames.valid[:, step], step)
            segments += self.states(None if frames.state is None else frames.state[:, step], step)
            segments += [*self.slots(step), *([] if right is None else self.told(right[:, step], step))]
        sequence = self.backbone.compose(segments, span=self.span)
        valid = sequence.layout.valid & _there(frames.valid, sequence.layout.step)
        return replace(sequence, layout=replace(sequence.layout, valid=valid))


def _there(steps: Bool[Tensor, "b t"], step: Int[Tensor, " s"]) -> Bool[Tensor, "b s"]:
    """Whether the step of each token is one; the text's always is."""
    return torch.where(step < 0, True, steps[:, step.clamp(min=0)])
