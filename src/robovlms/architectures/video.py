"""Video structure: all frames of a window in one prompt, ``[images of all steps, state, text, slots]``, one read-out.

The prompt is a single step, so families with a bidirectional prefix see all frames at once; frames before the start of
an episode are absent. Only the last step of a window learns.
"""

from typing import Literal

from pydantic import Field
from typing_extensions import override

from robovlms.architectures.vlm import VLMConfig
from robovlms.architectures.window import WindowArchitecture
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Segment
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class VideoConfig(VLMConfig):
    """One prompt of ``history`` frames."""

    kind: Literal["video_continuous"] = "video_continuous"
    history: int = Field(8, ge=1, le=64)

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "Video":
        """The structure round a backbone and a head."""
        return Video(self, backbone, head, state_dims)


class Video(WindowArchitecture):
    """Slots at the end of all frames; the head reads one step."""

    @override
    def read(self, frames: Features, batch: Batch) -> Features:
        last = None if frames.state is None else frames.state[:, -1:]
        segments: list[Segment] = []
        for valid, cameras in zip(frames.valid.unbind(dim=1), self.media(frames.slots, batch), strict=True):
            segments += self.shown(batch, cameras, valid)
        segments += self.states(None if last is None else last[:, 0])
        segments += [self.instructions(batch), *self.slots()]
        sequence = self.backbone.compose(segments)
        hidden, _ = self.backbone.think(sequence)
        slots = self.read_out(hidden, sequence.layout)[:, None]
        return Features(slots, frames.valid[:, -1:], self.direct(last), hidden, sequence.layout.valid)
