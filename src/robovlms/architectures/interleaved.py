"""Interleaved structure: ``[text, images 1, state 1, slots 1, images 2, ...]`` in one sequence (arXiv 2412.14058).

Steps are causal, so slots of a step read what was seen up to it, and every step of a window learns. Where a window is
padded, its steps are turned so that padding comes last: no step sees it, and positions are those of a shorter window.

``streaming`` says how it acts. ``recompute`` thinks about each window anew. ``stream`` thinks about each step once: its
tokens attend to the instruction and to the last ``attention_span`` steps, in training as well, and keys and values of
these are kept. What a step saw reaches ``layers x (attention_span - 1)`` steps ahead. The instruction stands before all
steps and sees none of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor
from typing_extensions import override

from robovlms.architectures.vlm import VLMConfig
from robovlms.architectures.window import WindowArchitecture, turned
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Media, Segment, Text
from robovlms.backbones.stream import Stream, begin, resume
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.heads.head import Features, Head, Prediction


class InterleavedConfig(VLMConfig):
    """One sequence a window; the language model fuses ``history`` frames."""

    kind: Literal["interleaved_continuous"] = "interleaved_continuous"
    history: int = Field(8, ge=1, le=64)
    read: Literal["slots"] = "slots"
    """Pooling would mix the steps of a sequence."""
    streaming: Literal["recompute", "stream"] = "recompute"
    attention_span: int | None = Field(None, ge=2)
    """With ``stream``: how many steps a token attends to, its own included; ``history`` unless it is less. Windows
    longer than it learn from what reaches a step through others, as acting has it."""

    @model_validator(mode="after")
    def _spans(self) -> "InterleavedConfig":
        if self.streams and self.history < (least := self.attention_span or 2):
            raise ValueError(
                f"streaming is stream, and windows must hold the {least} steps that a token attends to: got history "
                f"{self.history}; set it to at least {least}, or streaming to recompute"
            )
        if not self.streams and self.attention_span:
            raise ValueError(
                f"attention_span {self.attention_span} belongs to streaming: stream; "
                "recompute attends to all of a window: leave it out, or set streaming to stream"
            )
        return self

    @property
    @override
    def streams(self) -> bool:
        return self.streaming == "stream"

    @property
    def span(self) -> int | None:
        """How many steps a token attends to; None for all of a window."""
        return (self.attention_span or self.history) if self.streams else None

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "Interleaved":
        """The structure round a backbone and a head."""
        return Interleaved(self, backbone, head, state_dims)


class Interleaved(WindowArchitecture):
    """Slots after every step of one sequence."""

    def __init__(self, config: InterleavedConfig, backbone: Backbone, head: Head, state_dims: int):
        super().__init__(config, backbone, head, state_dims)
        if config.streams and backbone.unstreamable:
            raise UserError(
                f"architecture.streaming is stream, which {type(backbone).__name__} cannot: {backbone.unstreamable}. "
                "Set it to recompute."
            )
        self.span = config.span

    @override
    def instructions(self, batch: Batch) -> Text:
        words = super().instructions(batch)
        return words if self.span is None else replace(words, step=-1)

    def step(self, batch: Batch, cameras: list[Media], state: Float[Tensor, "b d"] | None, step: int) -> list[Segment]:
        """The prompt of one step."""
        present = torch.ones(len(cameras[0].tokens), dtype=torch.bool, device=cameras[0].tokens.device)
        return [*self.shown(batch, cameras, present, step), *self.states(state, step), *self.slots(step)]

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
    def advance(self, batch: Batch, streams: Sequence[Stream | None]) -> tuple[Features, Sequence[Stream | None]]:
        frames = self.act(batch)
        if self.span is None:
            return frames, streams
        limit = self.backbone.num_positions
        going = [stream if stream and stream.goes_on(limit) else None for stream in streams]
        slots, after = {}, {}
        for begins in {stream is None for stream in going}:
            own = [row for row, stream in enumerate(going) if (stream is None) == begins]
            rows = [row if row in own else own[0] for row in range(len(going))]  # one shape, whoever is in the batch
            read, new = self._think(frames, batch, rows, [past for row in rows if (past := going[row])])
            slots |= {row: read[row] for row in own}
            after |= {row: new[row] for row in own}
        read = torch.stack([slots[row] for row in range(len(going))])
        return Features(read, frames.valid, self.direct(frames.state)), [after[row] for row in range(len(going))]

    def _think(
        self, frames: Features, batch: Batch, rows: list[int], streams: list[Stream]
    ) -> tuple[Float[Tensor, "b 1 m d"], list[Stream]]:
        """Think about the next step of these rows; about the first one where there are no streams."""
        span = self.span
        assert span is not None
        has = None if batch.cameras is None else batch.cameras[rows]
        batch = replace(batch, instruction_index=batch.instruction_index[rows], cameras=has)
        (cameras,) = self.media(frames.slots[rows], batch)
        state = None if frames.state is None else frames.state[rows, 0]
        if streams:
            return resume(self.backbone, self.step(batch, cameras, state, span - 1), streams, span)
        words = self.instructions(batch)
        return begin(self.backbone, [words, *self.step(batch, cameras, state, 0)], span)

    @override
    def predict(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        """From a stream's slots, or from a window's images."""
        if self.span is None:
            return super().predict(window, batch, **given)
        return self.head.predict(window, **given)
