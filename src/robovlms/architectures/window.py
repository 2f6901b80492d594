"""Structures that think about all frames of a window in one sequence.

Acting, they keep the image tokens of past frames and think about each window anew, as in training (``recompute``).
"""

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from typing_extensions import override

from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.vlm import VLMArchitecture
from robovlms.backbones.prompt import Media, Segment, State, Text
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Prediction


class WindowArchitecture(VLMArchitecture):
    """``act`` sees frames, each by itself; ``read`` thinks about windows of them."""

    @abstractmethod
    def read(self, frames: Features, batch: Batch) -> Features:
        """Features of windows. ``frames`` holds in ``slots`` what ``act`` saw; ``batch`` gives the instructions."""

    @override
    def features(self, batch: Batch) -> Features:
        return self.read(self.act(batch), batch)

    @override
    def act(self, batch: Batch) -> Features:
        """Image tokens of all cameras as ``slots``, and the embedded state; a shared frame is encoded once."""
        frames, texts, first, inverse = distinct_prompts(batch)
        seen = torch.cat([media.packed() for media in self.see(batch, frames, self.text(batch, texts))], dim=1)
        state = self.state(batch.state.flatten(0, 1)[first])[:, 0][inverse] if self.state else None
        return Features(seen[inverse], batch.frame_valid, state)

    @override
    def predict(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        return self.head.predict(self.read(window, batch), **given)

    def media(self, seen: Float[Tensor, "b t l e"], batch: Batch) -> list[list[Media]]:
        """What ``act`` saw, by step and camera."""
        cameras = len(batch.images) if batch.media is None else batch.media.shape[1]
        layers = self.backbone.num_media_layers
        return [[Media.unpack(one, layers) for one in step.chunk(cameras, dim=1)] for step in seen.unbind(dim=1)]

    def instructions(self, batch: Batch) -> Text:
        """The instruction of each window."""
        return self.text(batch, batch.instruction_index)

    def states(self, state: Float[Tensor, "b d"] | None, step: int = 0) -> list[Segment]:
        """The state's token, where the prompt has one."""
        return [] if state is None or self.config.state_in == "head" else [State(state[:, None], step)]

    def direct(self, state: Float[Tensor, "b t d"] | None) -> Float[Tensor, "b t d"] | None:
        """The states that go straight to the head."""
        return None if self.config.state_in == "prompt" else state


def turned(values: Shaped[Tensor, "b t ..."], by: Int[Tensor, " b"]) -> Shaped[Tensor, "b t ..."]:
    """Turn each row's steps to the left by its own number."""
    length = values.shape[1]
    index = (torch.arange(length, device=values.device) + by[:, None]) % length
    return values[torch.arange(len(values), device=values.device)[:, None], index]
