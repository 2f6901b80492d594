"""A token for each number of a chunk, in order of time: one of equal bins.

Source: RT-2 (arXiv 2307.15818) and OpenVLA (2406.09246). A value in [-1, 1] comes back within half a bin; one beyond,
as quantile-normalised actions may be, as the outermost bin.
"""

from typing import Literal

from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.bins import UniformBins
from robovlms.actions.spec import ActionSpec
from robovlms.heads.answers import Answers, TokenHead, TokenHeadConfig, completed
from robovlms.heads.head import Prediction


class TokensConfig(TokenHeadConfig):
    """``num_bins`` bins over [-1, 1]."""

    kind: Literal["tokens"] = "tokens"
    num_bins: int = Field(256, ge=2)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "TokensHead":
        """The head; it has no parameters."""
        return TokensHead(self, action_spec, chunk)


class TokensHead(TokenHead):
    """``chunk`` times ``a`` tokens a step."""

    size_setting = "head.num_bins"

    def __init__(self, config: TokensConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(config, action_spec, chunk)
        self.bins = UniformBins(config.num_bins)
        self.num_classes, self.num_tokens = config.num_bins, chunk * action_spec.dims

    @override
    def answers(self, actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Answers:
        classes = self.bins.encode(self.signed(completed(actions, mask))).flatten(start_dim=-2)
        return Answers(classes, mask[..., None].expand_as(actions).flatten(start_dim=-2))

    @override
    def meant(self, classes: Int[Tensor, "b l"], log_likelihood: Float[Tensor, "b l"]) -> Prediction:
        values = self.bins.decode(classes).float().unflatten(-1, (self.chunk, self.dims))
        sure = log_likelihood.unflatten(-1, (self.chunk, self.dims)).mean(dim=-1).exp()
        return Prediction(self.unsigned(values), sure)
