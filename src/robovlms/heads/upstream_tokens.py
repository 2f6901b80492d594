"""``DiscreteDecoder`` of the published RoboVLMs code: an action is a row of tokens of the language model's vocabulary.

Source: ``action_tokenizer.py`` and ``base_policy.py`` in ``robovlms/model/policy_head`` of Robot-VLAs/RoboVLMs
(8adc1d2), after OpenVLA (arXiv 2406.09246). Every number of a chunk, in order of time, is one token; the end of the
text follows.

Non-obvious: loss and decoding run over the whole vocabulary; an id that is no action counts as the nearest one.
"""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.bins import ActionTokens, UniformBins
from robovlms.actions.spec import ActionSpec
from robovlms.core.config import Config
from robovlms.heads.head import Features, Head, Losses, Prediction, Queries
from robovlms.heads.losses import token_loss

IGNORED = -100


class UpstreamTokensConfig(Config):
    """Where the action ids lie in the vocabulary: ``base - 1`` is the lowest value, ``base - num_bins`` the highest."""

    kind: Literal["upstream_tokens"] = "upstream_tokens"
    base: int = Field(ge=2)
    num_bins: int = Field(256, ge=2)
    low: float = -1.0
    high: float = 1.0
    end_id: int | None = None
    """The token that ends an answer, which is learned, too; None where the tokenizer has none."""

    def build(self, action_spec: ActionSpec, chunk: int, width: int, history: int) -> "UpstreamTokens":
        """The head; it has no parameters."""
        return UpstreamTokens(self, action_spec, chunk)


class UpstreamTokens(Head):
    """Bins of a fixed range, said by the language model."""

    def __init__(self, config: UpstreamTokensConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(action_spec, chunk)
        self.config = config
        self.tokens = ActionTokens(UniformBins.upstream(config.num_bins, config.low, config.high), config.base)
        self.num_tokens = chunk * action_spec.dims

    def action_ids(self, actions: Float[Tensor, "b t k a"]) -> Int[Tensor, "b t l"]:
        """Ids of normalised actions; the gripper is said as -1 or 1."""
        values = actions.clone()
        values[..., self.gripper_columns] = 2 * values[..., self.gripper_columns] - 1
        return self.tokens.encode(values.flatten(start_dim=2))

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        return Queries(action_ids=None if actions is None else self.action_ids(actions))

    def labels(self, actions: Float[Tensor, "b t k a"], mask: Bool[Tensor, "b t k"]) -> Int[Tensor, "b t m"]:
        """What shall be said at each slot: the action tokens, ``IGNORED`` where masked, and the end of the text."""
        ids = self.action_ids(actions)
        labels = ids.where(mask[..., None].expand_as(actions).flatten(start_dim=2), IGNORED)
        return labels if self.config.end_id is None else F.pad(labels, (0, 1), value=self.config.end_id)

    @override
    def loss(
        self,
        features: Features,
        actions: Float[Tensor, "b t k a"],
        mask: Bool[Tensor, "b t k"],
        columns: Bool[Tensor, "b a"] | None = None,
    ) -> Losses:
        assert features.logits is not None, "an architecture that speaks"
        labels = self.labels(actions, mask)
        total = token_loss(features.logits, labels, labels != IGNORED)
        return Losses(total, {"tokens": total})

    @override
    def predict(self, features: Features, noise: Float[Tensor, "b ..."] | None = None) -> Prediction:
        """The likeliest tokens as actions; an action's confidence is the geometric mean of its tokens' likelihoods."""
        assert features.logits is not None, "an architecture that speaks"
        likelihood, ids = features.logits[:, -1, : self.num_tokens].log_softmax(dim=-1).max(dim=-1)
        values = self.tokens.decode(ids).float().unflatten(-1, (self.chunk, -1))
        values[..., self.gripper_columns] = (values[..., self.gripper_columns] > 0).float()
        return Prediction(values, likelihood.unflatten(-1, (self.chunk, -1)).mean(dim=-1).exp())
