"""How interleaved structures act: on a window thought about anew (``recompute``), or along an episode (``stream``).

A stream thinks about each step once: its tokens attend to the instruction and to the last ``attention_span`` steps, in
training as well, and keys and values of these are kept. What a step saw reaches ``layers x (attention_span - 1)`` steps
ahead. The instruction stands before all steps and sees none of them.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor
from typing_extensions import override

from robovlms.architectures.vlm import VLMConfig
from robovlms.architectures.window import WindowArchitecture
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Cache, Media, Segment
from robovlms.backbones.stream import Stream, begin, resume
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.heads.head import Features, Head, Prediction


class StreamingConfig(VLMConfig):
    """Settings of structures whose language model fuses ``history`` frames in one sequence."""

    history: int = Field(8, ge=1, le=64)
    read: Literal["slots"] = "slots"
    """Pooling would mix the steps of a sequence."""
    streaming: Literal["recompute", "stream"] = "recompute"
    attention_span: int | None = Field(None, ge=2)
    """With ``stream``: how many steps a token attends to, its own included; ``history`` unless it is less. Windows
    longer than it learn from what reaches a step through others, as acting has it."""

    @model_validator(mode="after")
    def _spans(self) -> "StreamingConfig":
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


class StreamingArchitecture(WindowArchitecture):
    """``act`` sees frames; ``advance`` also thinks about them where an episode is carried along."""

    def __init__(self, config: StreamingConfig, backbone: Backbone, head: Head, state_dims: int):
        super().__init__(config, backbone, head, state_dims)
        if config.streams and backbone.unstreamable:
            raise UserError(
                f"architecture.streaming is stream, which {type(backbone).__name__} cannot: {backbone.unstreamable}. "
                "Set it to recompute."
            )
        self.span = config.span

    @abstractmethod
    def step_features(self, slots: Float[Tensor, "b t m d"], valid: Tensor, cache: Cache, step: int) -> Features:
        """What a head reads of a stream's newest step, which is number ``step`` in ``cache`` and its end."""

    def step(self, batch: Batch, cameras: list[Media], state: Float[Tensor, "b d"] | None, step: int) -> list[Segment]:
        """The prompt of one step."""
        present = torch.ones(len(cameras[0].tokens), dtype=torch.bool, device=cameras[0].tokens.device)
        return [*self.shown(batch, cameras, present, step), *self.states(state, step), *self.slots(step)]

    @override
    def advance(self, batch: Batch, streams: Sequence[Stream | None]) -> tuple[Features, Sequence[Stream | None]]:
        frames = self.act(batch)
        if self.span is None:
            return frames, streams
        limit = self.backbone.num_positions
        going = [stream if stream and stream.goes_on(limit) else None for stream in streams]
        read, after = {}, {}
        for begins in {stream is None for stream in going}:
            own = [row for row, stream in enumerate(going) if (stream is None) == begins]
            rows = [row if row in own else own[0] for row in range(len(going))]  # one shape, whoever is in the batch
            features, new = self._think(frames, batch, rows, [past for row in rows if (past := going[row])])
            read |= {row: features.row(row) for row in own}
            after |= {row: new[row] for row in own}
        together = Features.windows([[read[row]] for row in range(len(going))], frames.valid)
        return replace(together, state=self.direct(frames.state)), [after[row] for row in range(len(going))]

    def _think(
        self, frames: Features, batch: Batch, rows: list[int], streams: list[Stream]
    ) -> tuple[Features, list[Stream]]:
        """Think about the next step of these rows; about the first one where there are no streams."""
        span = self.span
        assert span is not None
        has = None if batch.cameras is None else batch.cameras[rows]
        batch = replace(batch, instruction_index=batch.instruction_index[rows], cameras=has)
        (cameras,) = self.media(frames.slots[rows], batch)
        state = None if frames.state is None else frames.state[rows, 0]
        step = span - 1 if streams else 0
        segments = self.step(batch, cameras, state, step)
        if streams:
            slots, after, cache = resume(self.backbone, segments, streams, span)
        else:
            words = replace(self.instructions(batch), step=-1)
            slots, after, cache = begin(self.backbone, [words, *segments], span)
        return self.step_features(slots, frames.valid[rows], cache, step), after

    @override
    def predict(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        """From what a stream read, or from a window's images."""
        if self.span is None:
            return self.recompute(window, batch, **given)
        return self.head.predict(window, **given)

    def recompute(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        """The chunks planned from all images of a window."""
        return self.head.predict(self.read(window, batch), **given)
