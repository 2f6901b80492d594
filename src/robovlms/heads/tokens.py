"""Actions as tokens of the language model: what to say for a chunk, and what was meant by an answer.

``tokens`` says every number of a chunk, in order of time, as one of ``num_bins`` equal bins over [-1, 1] (RT-2, arXiv
2307.15818; OpenVLA, 2406.09246): normalised actions beyond count as the outermost bin. A gripper is said as -1 or 1.

Non-obvious: a head knows classes, not words. Which ids of the vocabulary they are is the architecture's, which asks the
language model about these ids alone, so that nothing else can be said.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.bins import UniformBins
from robovlms.actions.spec import ActionSpec
from robovlms.core.config import Config
from robovlms.heads.head import Features, Head, Losses, Prediction, Queries
from robovlms.heads.losses import token_loss


class TokenHeadConfig(Config):
    """Settings every head of tokens has; the last of the slots starts the answer."""

    num_slots: int = Field(1, ge=1)


class TokensConfig(TokenHeadConfig):
    """A token a number."""

    kind: Literal["tokens"] = "tokens"
    num_bins: int = Field(256, ge=2)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "TokensHead":
        """The head; it has no parameters."""
        return TokensHead(self, action_spec, chunk)


@dataclass(frozen=True)
class Answers:
    """What shall be said, ``l`` classes for each chunk; ``counts`` is False where nothing is learned."""

    classes: Int[Tensor, "*n l"]
    counts: Bool[Tensor, "*n l"]


class TokenHead(Head):
    """Learns by cross-entropy and reads the likeliest answer; subclasses say what a chunk is in classes."""

    num_tokens: int
    """The longest answer."""
    num_classes: int
    """How many different things can be said."""

    def __init__(self, config: TokenHeadConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(action_spec, chunk)
        self.config, self.dims = config, action_spec.dims

    @abstractmethod
    def answers(self, actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Answers:
        """What to say for chunks; masked actions may hold anything."""

    @abstractmethod
    def meant(self, classes: Int[Tensor, "b l"], likelihood: Float[Tensor, "b l"]) -> Prediction:
        """Answers as chunks, each with the geometric mean of its tokens' likelihoods, whose logarithms are given."""

    def over(self, classes: Int[Tensor, "b l"]) -> bool:
        """Whether nothing is left to be said in any row."""
        return classes.shape[-1] >= self.num_tokens

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        slots = self.config.num_slots
        if actions is None:
            return Queries(num_slots=slots)
        everything = torch.ones(actions.shape[:-1], dtype=torch.bool, device=actions.device)
        return Queries(num_slots=slots, action_ids=self.answers(actions, everything).classes)

    @override
    def loss(self, features: Features, actions: Float[Tensor, "b t k a"], mask: Bool[Tensor, "b t k"]) -> Losses:
        assert features.logits is not None, "a structure that speaks"
        right = self.answers(actions, mask)
        total = token_loss(features.logits, right.classes, right.counts)
        return Losses(total, {"tokens": total})

    @override
    def predict(self, features: Features, noise: Float[Tensor, "b ..."] | None = None) -> Prediction:
        assert features.logits is not None, "a structure that speaks"
        likelihood, classes = features.logits[:, -1].log_softmax(dim=-1).max(dim=-1)
        return self.meant(classes, likelihood)

    def signed(self, actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Float[Tensor, "*n k a"]:
        """Values in the range of the bins: grippers at its ends, zero where masked."""
        values = actions.where(mask[..., None], 0.0)
        values[..., self.gripper_columns] = 2 * values[..., self.gripper_columns] - 1
        return values

    def unsigned(self, values: Float[Tensor, "*n k a"]) -> Float[Tensor, "*n k a"]:
        """Grippers back to 0 or 1."""
        actions = values.clone()
        actions[..., self.gripper_columns] = (values[..., self.gripper_columns] > 0).to(values.dtype)
        return actions


class TokensHead(TokenHead):
    """Bins of a fixed range."""

    def __init__(self, config: TokensConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(config, action_spec, chunk)
        self.bins = UniformBins(config.num_bins)
        self.num_tokens, self.num_classes = chunk * action_spec.dims, config.num_bins

    @override
    def answers(self, actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Answers:
        classes = self.bins.encode(self.signed(actions, mask)).flatten(start_dim=-2)
        return Answers(classes, mask[..., None].expand_as(actions).flatten(start_dim=-2))

    @override
    def meant(self, classes: Int[Tensor, "b l"], likelihood: Float[Tensor, "b l"]) -> Prediction:
        values = self.bins.decode(classes).float().unflatten(-1, (self.chunk, self.dims))
        return Prediction(self.unsigned(values), likelihood.unflatten(-1, (self.chunk, self.dims)).mean(dim=-1).exp())
