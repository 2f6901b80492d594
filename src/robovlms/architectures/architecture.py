"""An architecture lays a window out as a prompt and reads features from it; it knows no VLM family."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import Field
from torch import nn

from robovlms.architectures.state import StateEncoder
from robovlms.backbones.stream import Stream
from robovlms.core.batch import Batch
from robovlms.core.config import Config
from robovlms.heads.attention import MAX_STEPS
from robovlms.heads.head import Features, Head, Losses, Prediction


class ArchitectureConfig(Config):
    """Windows of ``history`` frames, ``stride`` control steps apart; each frame is labelled with ``chunk`` actions."""

    history: int = Field(1, ge=1, le=MAX_STEPS)
    stride: int = Field(1, ge=1)
    chunk: int = Field(8, ge=1)
    state_noise: float = Field(0.05, ge=0)
    """Gaussian noise on the standardised state while training, in standard deviations; keeps a policy looking."""

    @property
    def streams(self) -> bool:
        """Whether acting carries an episode along step by step, and so must be shown every frame of its stride."""
        return False


class Architecture(nn.Module, ABC):
    """``features`` is the one abstract method; ``loss`` and acting follow from it."""

    head: Head
    state: StateEncoder | None

    @abstractmethod
    def features(self, batch: Batch) -> Features:
        """Slots and memory for every step of every window, or for its last one."""

    def act(self, batch: Batch) -> Features:
        """What of a frame is worth keeping until the windows that hold it are over: its features, or what was seen."""
        return self.features(batch)

    def advance(self, batch: Batch, streams: Sequence[Stream | None]) -> tuple[Features, Sequence[Stream | None]]:
        """What ``act`` gives, and what each episode carries along, here nothing; ``streams`` is what it carried."""
        return self.act(batch), streams

    def predict(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        """The chunks planned from what ``act`` gave for each step of a window.

        ``batch`` is that of the last step; ``given`` goes to the head's ``predict``: its noise, a running plan.
        """
        return self.head.predict(window, **given)

    def plan(self, batch: Batch, **given: Any) -> Prediction:
        """The chunks planned at the last step of whole windows; their labels are not looked at."""
        return self.head.predict(self.features(batch), **given)

    @abstractmethod
    def require_readable(self, instructions: Sequence[str]) -> None:
        """Refuse sentences that this policy could not act on, before it is trained on them.

        Raises:
            UserError: one is empty, too long, or holds a special token.
        """

    def loss(self, batch: Batch) -> Losses:
        """The head's loss on this batch, at the steps that have features."""
        features = self.features(batch)
        steps = features.slots.shape[1]
        mask = batch.action_mask[:, -steps:]
        return self.head.loss(features, batch.actions[:, -steps:], mask, batch.action_columns)

    def forward(self, batch: Batch) -> Losses:
        """The loss; wrappers for parallel training call modules through ``forward``."""
        return self.loss(batch)
