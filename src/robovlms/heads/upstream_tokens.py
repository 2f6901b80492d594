"""``DiscreteDecoder`` of the published RoboVLMs code: an action is a row of tokens of the language model's vocabulary.

Source: ``action_tokenizer.py`` and ``base_policy.py`` in ``robovlms/model/policy_head`` of Robot-VLAs/RoboVLMs
(8adc1d2), after OpenVLA (arXiv 2406.09246). Every number of a chunk, in order of time, is one token; the end of the
text follows.

Non-obvious: ``num_bins`` edges make one bin less, so the greatest value has an id of its own that decodes to the last
bin's centre. Loss and decoding run over the whole vocabulary; an id that is no action counts as the nearest one.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.core.config import Config
from robovlms.heads.head import Features, Head, Losses, Queries

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

    @model_validator(mode="after")
    def _fits(self) -> "UpstreamTokensConfig":
        if self.num_bins > self.base:
            raise ValueError(f"{self.num_bins} bins do not fit below id {self.base}: the vocabulary is too small")
        return self

    def build(self, action_spec: ActionSpec, chunk: int, width: int, history: int) -> "UpstreamTokens":
        """The head; it has no parameters."""
        return UpstreamTokens(self, action_spec, chunk)


class UpstreamTokens(Head):
    """Bins of a fixed range, said by the language model."""

    edges: Float[Tensor, " n"]

    def __init__(self, config: UpstreamTokensConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(action_spec, chunk)
        self.config = config
        self.num_tokens = chunk * action_spec.dims
        edges = np.linspace(config.low, config.high, config.num_bins)  # torch's differs in the last bit
        self.register_buffer("edges", torch.from_numpy(edges), persistent=False)

    def encode(self, values: Float[Tensor, "*n"]) -> Int[Tensor, "*n"]:
        """Ids of values; what lies outside of the range counts as its end."""
        clipped = values.double().clamp(self.config.low, self.config.high).contiguous()
        return self.config.base - torch.bucketize(clipped, self.edges, right=True)

    def decode(self, ids: Int[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Centres of the bins of ids."""
        centres = (self.edges[:-1] + self.edges[1:]) / 2
        return centres[(self.config.base - ids - 1).clamp(0, len(centres) - 1)]

    def action_ids(self, actions: Float[Tensor, "b t k a"]) -> Int[Tensor, "b t l"]:
        """Ids of normalised actions; the gripper is said as -1 or 1."""
        values = actions.clone()
        values[..., self.gripper_columns] = 2 * values[..., self.gripper_columns] - 1
        return self.encode(values.flatten(start_dim=2))

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        return Queries(action_ids=None if actions is None else self.action_ids(actions))

    def labels(self, actions: Float[Tensor, "b t k a"], mask: Bool[Tensor, "b t k"]) -> Int[Tensor, "b t m"]:
        """What shall be said at each slot: the action tokens, ``IGNORED`` where masked, and the end of the text."""
        ids = self.action_ids(actions)
        labels = ids.where(mask[..., None].expand_as(actions).flatten(start_dim=2), IGNORED)
        return labels if self.config.end_id is None else F.pad(labels, (0, 1), value=self.config.end_id)

    @override
    def loss(self, features: Features, actions: Float[Tensor, "b t k a"], mask: Bool[Tensor, "b t k"]) -> Losses:
        assert features.logits is not None, "an architecture that speaks"
        total = token_loss(features.logits, self.labels(actions, mask))
        return Losses(total, {"tokens": total})

    @override
    def predict(self, features: Features) -> Float[Tensor, "b k a"]:
        assert features.logits is not None, "an architecture that speaks"
        ids = features.logits[:, -1, : self.num_tokens].argmax(dim=-1)
        values = self.decode(ids).float().unflatten(-1, (self.chunk, -1))
        values[..., self.gripper_columns] = (values[..., self.gripper_columns] > 0).float()
        return values


def token_loss(logits: Float[Tensor, "*n v"], labels: Int[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean cross-entropy over the labels that are not ``IGNORED``; zero when all are."""
    entropy = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return entropy / (labels != IGNORED).sum().clamp(min=1)
