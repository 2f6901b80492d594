"""Heads whose actions are tokens: the language model says them, the head knows what they mean.

A head counts its tokens from 0 and calls them classes. Which ids of the vocabulary they are is up to the structure,
which scores these ids alone: loss and confidence are over the head's classes, and nothing else can be said.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.core.config import Config
from robovlms.heads.head import Features, Head, Losses, Prediction, Queries
from robovlms.heads.losses import token_loss


class TokenHeadConfig(Config):
    """Settings of every head of tokens; the last of ``num_slots`` learned slots begins the answer."""

    num_slots: int = Field(1, ge=1)


@dataclass(frozen=True)
class Answers:
    """What shall be said for each chunk; ``counts`` is False where nothing is learned."""

    classes: Int[Tensor, "*n l"]
    counts: Bool[Tensor, "*n l"]


class TokenHead(Head):
    """Cross-entropy while training, the likeliest tokens while acting. It has no parameters.

    Attributes:
        num_classes: How many tokens there are.
        num_tokens: The longest answer.
        size_setting: The setting that decides ``num_classes``, for messages.
    """

    num_classes: int
    num_tokens: int
    size_setting: ClassVar[str]

    def __init__(self, config: TokenHeadConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(action_spec, chunk)
        self.config, self.dims = config, action_spec.dims

    @abstractmethod
    def answers(self, actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Answers:
        """What to say for normalised chunks; masked actions may hold anything."""

    @abstractmethod
    def meant(self, classes: Int[Tensor, "b l"], log_likelihood: Float[Tensor, "b l"]) -> Prediction:
        """The chunks that were said; an action's confidence is the geometric mean likelihood of its tokens."""

    def over(self, classes: Int[Tensor, "b l"]) -> bool:
        """Whether every row has said all it has to say."""
        return classes.shape[-1] >= self.num_tokens

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        if actions is None:
            return Queries(self.config.num_slots)
        known = torch.ones(actions.shape[:-1], dtype=torch.bool, device=actions.device)
        return Queries(self.config.num_slots, self.answers(actions, known).classes)

    @override
    def loss(
        self,
        features: Features,
        actions: Float[Tensor, "b t k a"],
        mask: Bool[Tensor, "b t k"],
        columns: Bool[Tensor, "b a"] | None = None,
    ) -> Losses:
        assert features.logits is not None, "a structure that speaks"
        right, length = self.answers(actions, mask), features.logits.shape[2]
        total = token_loss(features.logits, right.classes[..., :length], right.counts[..., :length])
        return Losses(total, {"tokens": total})

    @override
    def predict(self, features: Features, noise: Float[Tensor, "b ..."] | None = None) -> Prediction:
        assert features.logits is not None, "a structure that speaks"
        log_likelihood, classes = features.logits[:, -1].log_softmax(dim=-1).max(dim=-1)
        return self.meant(classes, log_likelihood)

    def signed(self, actions: Float[Tensor, "*n k a"]) -> Float[Tensor, "*n k a"]:
        """Grippers from {0, 1} to {-1, 1}: as tokens like the others they are the two ends of the range."""
        values = actions.clone()
        values[..., self.gripper_columns] = 2 * values[..., self.gripper_columns] - 1
        return values

    def unsigned(self, values: Float[Tensor, "*n k a"]) -> Float[Tensor, "*n k a"]:
        """Grippers back to 0 or 1, the nearer one."""
        actions = values.clone()
        actions[..., self.gripper_columns] = (values[..., self.gripper_columns] > 0).to(values.dtype)
        return actions


def completed(actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Float[Tensor, "*n k a"]:
    """Chunks that an episode's end cuts short, with the last valid action repeated; zeros where there is none."""
    places = torch.arange(mask.shape[-1], device=mask.device)
    last = torch.where(mask, places, -1).cummax(dim=-1).values
    held = actions.gather(-2, last.clamp(min=0)[..., None].expand_as(actions))
    return held.where((last >= 0)[..., None], 0.0)
