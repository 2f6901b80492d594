"""A head is two methods: ``loss`` and ``predict``. It reads features at the slots and knows nothing of images.

It also says what it needs: learned slots or teacher-forced action tokens in the prompt (``queries``), and noise for
what it samples (``noise_shape``), which a policy draws for each row by itself so that batching never changes an action.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from robovlms.actions.spec import ActionSpec


@dataclass(frozen=True)
class Features:
    """What an architecture hands to a head.

    ``slots`` are hidden states at the read-out slots; ``valid`` marks steps inside the episode. ``state`` is embedded
    proprioception that reaches the head without a detour through the VLM. ``memory`` holds the hidden states of the
    last step's whole prompt, for heads that attend to more than the slots. ``logits`` are what is said at each token of
    an answer, where actions are words: over the head's classes, or upstream's whole vocabulary.
    """

    slots: Float[Tensor, "b t m d"]
    valid: Bool[Tensor, "b t"]
    state: Float[Tensor, "b t e"] | None = None
    memory: Float[Tensor, "b s d"] | None = None
    memory_mask: Bool[Tensor, "b s"] | None = None
    logits: Float[Tensor, "b t l v"] | None = None

    def row(self, index: int) -> "Features":
        """What a head reads of one row, without memory."""
        rows = slice(index, index + 1)
        state = None if self.state is None else self.state[rows]
        logits = None if self.logits is None else self.logits[rows]
        return Features(self.slots[rows], self.valid[rows], state, logits=logits)

    @staticmethod
    def windows(rows: Sequence[Sequence["Features"]], valid: Bool[Tensor, "b t"]) -> "Features":
        """Windows of single steps, each a row by itself."""

        def joined(parts: list[list[Tensor]]) -> Tensor:
            return torch.cat([torch.cat(steps, dim=1) for steps in parts])

        slots = joined([[step.slots for step in steps] for steps in rows])
        states = [[step.state for step in steps if step.state is not None] for steps in rows]
        logits = [[step.logits for step in steps if step.logits is not None] for steps in rows]
        return Features(
            slots, valid, joined(states) if states[0] else None, logits=joined(logits) if logits[0] else None
        )


@dataclass(frozen=True)
class Queries:
    """What a head wants in every step's prompt: ``num_slots`` learned vectors, and what answers to teacher-force.

    ``action_ids`` are the head's classes (upstream's head: ids of the vocabulary).
    """

    num_slots: int = 0
    action_ids: Int[Tensor, "b t l"] | None = None


@dataclass(frozen=True)
class Losses:
    """The scalar to minimise and its named parts, for the log."""

    total: Float[Tensor, ""]
    parts: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """The chunks planned at the last step of each window, in normalised action space (gripper in [0, 1]).

    ``confidence`` is the head's own estimate in [0, 1] for each action: how far its samples agree, or how likely its
    tokens are. A head without one leaves it None; the policy then asks how far overlapping plans agree.
    """

    actions: Float[Tensor, "b k a"]
    confidence: Float[Tensor, "b k"] | None = None

    def cpu(self) -> "Prediction":
        """The same numbers where NumPy can read them."""
        return Prediction(self.actions.cpu(), None if self.confidence is None else self.confidence.cpu())


class Head(nn.Module, ABC):
    """Turns features into action chunks and a loss, in normalised action space (gripper in {0, 1})."""

    noise_shape: tuple[int, ...] = ()
    """Shape of the standard normal noise ``predict`` reads for each row; empty for a head that samples nothing."""
    continues_plans: ClassVar[bool] = False
    """Whether ``predict`` takes ``plan``, a ``heads.inpainting.RunningPlan``, as the executor ``rtc`` needs."""

    def __init__(self, action_spec: ActionSpec, chunk: int):
        super().__init__()
        self.chunk = chunk
        gripper = action_spec.gripper
        columns = action_spec.slice_of(gripper.name) if gripper else slice(0, 0)
        self.gripper_columns = list(range(action_spec.dims))[columns]
        self.pose_columns = [i for i in range(action_spec.dims) if i not in self.gripper_columns]

    def fit(self, chunks: Float[Tensor, "n k a"], mask: Bool[Tensor, "n k"]) -> None:
        """Learn what is no parameter from normalised chunks of the training data, before training."""

    def save(self, directory: Path) -> None:
        """Write what was learned so into a checkpoint."""

    def load(self, directory: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            CorruptData: it is missing or does not fit.
        """

    @abstractmethod
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        """What this head needs in the prompt, given the labels (training) or nothing (acting)."""

    @abstractmethod
    def loss(
        self,
        features: Features,
        actions: Float[Tensor, "b t k a"],
        mask: Bool[Tensor, "b t k"],
        columns: Bool[Tensor, "b a"] | None = None,
    ) -> Losses:
        """Loss over every valid step and future action; a batch without any valid action gives zero.

        ``columns`` are the dimensions that each row's embodiment has, None for all; the labels of others are zero. They
        count nothing in regression. Heads that sample or say an action dimension by dimension learn the zeros, because
        acting leads through them.
        """

    @abstractmethod
    def predict(self, features: Features, noise: Float[Tensor, "b ..."] | None = None) -> Prediction:
        """The chunks planned at the last step.

        Args:
            features: What the architecture read.
            noise: What ``draw`` gave, for a head that samples; torch's own generator draws it when left out.
        """

    def draw(self, generators: Sequence[np.random.Generator | None]) -> Float[Tensor, "b ..."] | None:
        """Noise for ``predict``, each row from its own generator; a row without one gets zeros, and draws nothing."""
        if not self.noise_shape:
            return None
        noise = np.zeros((len(generators), *self.noise_shape), np.float32)
        for row, generator in zip(noise, generators, strict=True):
            if generator is not None:
                generator.standard_normal(dtype=np.float32, out=row)
        return torch.from_numpy(noise)

    def merge(self, pose: Float[Tensor, "*n p"], gripper: Float[Tensor, "*n g"]) -> Float[Tensor, "*n a"]:
        """Put pose and gripper columns back into the spec's order."""
        order = torch.tensor(self.pose_columns + self.gripper_columns, device=pose.device).argsort()
        return torch.cat([pose, gripper], dim=-1)[..., order]
