"""One-step structure with words for actions: ``[images, state, text, slot, answer]`` (arXiv 2412.14058)."""

from typing import Literal

import torch
from pydantic import Field
from typing_extensions import override

from robovlms.architectures.answering import Answering, AnsweringConfig
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Segment, State
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class OneStepDiscreteConfig(AnsweringConfig):
    """A prompt of the current frame, and its answer."""

    kind: Literal["one_step_discrete"] = "one_step_discrete"
    history: int = Field(1, ge=1, le=1)
    state_in: Literal["prompt"] = "prompt"
    """The head has no parameters that could read a state."""

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "OneStepDiscrete":
        """The structure round a backbone and a head."""
        return OneStepDiscrete(self, backbone, head, state_dims)


class OneStepDiscrete(Answering):
    """The language model answers the prompt of one frame."""

    @override
    def features(self, batch: Batch) -> Features:
        told = self.told(self.right(batch)[:, -1])
        sequence = self.backbone.compose([*self.prompt(batch), *told])
        hidden, _ = self.backbone.think(sequence)
        slots, asked = self.asked(hidden, sequence.layout, 1)
        return Features(slots, batch.frame_valid[:, -1:], logits=self.logits(asked))

    @override
    def act(self, batch: Batch) -> Features:
        sequence = self.backbone.compose(self.prompt(batch))
        hidden, cache = self.backbone.think(sequence, self.backbone.new_cache())
        slots = self.backbone.slots(hidden, sequence.layout)
        return Features(slots, batch.frame_valid[:, -1:], logits=self.answer(slots[:, 0, -1], cache)[:, None])

    def prompt(self, batch: Batch) -> list[Segment]:
        """Everything before the answer, a row a window."""
        frames, text = batch.frame_index[:, -1], self.text(batch, batch.instruction_index)
        present = torch.ones_like(frames, dtype=torch.bool)
        segments = self.shown(batch, self.see(batch, frames, text), present)
        if self.state:
            segments.append(State(self.state(batch.state[:, -1])))
        return [*segments, text, *self.slots()]
