"""One slot an action: row ``j`` of a chunk is read from slot ``j`` alone, by shared layers (ACT, arXiv 2304.13705)."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.head import Features, Queries
from robovlms.heads.regression import RegressionConfig, RegressionHead


class RowwiseConfig(RegressionConfig):
    """An MLP on each slot and the state; there are as many slots as actions in a chunk."""

    kind: Literal["rowwise"] = "rowwise"
    num_slots: int = Field(1, ge=1, le=1)
    """Of each action."""

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "RowwiseHead":
        """The head for slots, and a state if there is one, of these widths."""
        return RowwiseHead(self, action_spec, chunk, width + state_width)


class RowwiseHead(RegressionHead):
    """Reads each slot on its own. Its layers are those of a chunk of one, shared by all rows."""

    def __init__(self, config: RowwiseConfig, action_spec: ActionSpec, chunk: int, input_width: int):
        super().__init__(config, action_spec, 1, input_width)
        self.chunk = chunk

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        return Queries(num_slots=self.chunk)

    @override
    def trunk(self, features: Features) -> Float[Tensor, "b t k h"]:
        if features.state is None:
            return features.slots
        beside = features.state[:, :, None].expand(-1, -1, self.chunk, -1)
        return torch.cat([features.slots, beside], dim=-1)

    @override
    def outputs(self, features: Features) -> tuple[Float[Tensor, "b t k p"], Float[Tensor, "b t k g"]]:
        hidden = self.mlp(self.trunk(features))
        return self.pose(hidden), self.gripper(hidden)
