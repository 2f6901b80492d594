"""A GRU fuses the slots of a window of steps: what an LSTM does for the policy head, with a third less to learn.

Each row is shifted so that its first valid step meets a zero state, as in the LSTM head.
"""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.head import Features
from robovlms.heads.regression import RegressionConfig, RegressionHead
from robovlms.heads.sequence import shift


class GRUConfig(RegressionConfig):
    """A GRU over the window, then an MLP."""

    kind: Literal["gru"] = "gru"
    recurrent: int = Field(256, ge=1)
    num_layers: int = Field(1, ge=1)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "GRUHead":
        """The head for slots, and a state if there is one, of these widths."""
        return GRUHead(self, action_spec, chunk, self.num_slots * width + state_width)


class GRUHead(RegressionHead):
    """Fuses time; the current step's features also reach the MLP directly."""

    def __init__(self, config: GRUConfig, action_spec: ActionSpec, chunk: int, input_width: int):
        super().__init__(config, action_spec, chunk, input_width + config.recurrent)
        self.gru = nn.GRU(input_width, config.recurrent, config.num_layers, batch_first=True)

    @override
    def trunk(self, features: Features) -> Float[Tensor, "b t h"]:
        steps = self.steps(features)
        padding = (~features.valid).sum(dim=1)
        hidden, _ = self.gru(shift(steps, padding))
        return torch.cat([steps, shift(hidden, -padding)], dim=-1)
