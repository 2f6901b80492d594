"""The part LSTM and GRU heads share: a recurrent network over the slots of a window, then an MLP.

Padded steps come first in a window; each row is shifted so that its first valid step meets a zero state. A window
therefore gives the same answer as the same frames without padding.
"""

from abc import abstractmethod

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.head import Features
from robovlms.heads.regression import RegressionConfig, RegressionHead
from robovlms.heads.sequence import shift


class RecurrentConfig(RegressionConfig):
    """Settings every recurrent head has."""

    recurrent: int = Field(256, ge=1)
    num_layers: int = Field(1, ge=1)


class RecurrentHead(RegressionHead):
    """Fuses time; the current step's features also reach the MLP directly."""

    def __init__(self, config: RecurrentConfig, action_spec: ActionSpec, chunk: int, width: int, state_width: int):
        input_width = config.num_slots * width + state_width
        super().__init__(config, action_spec, chunk, input_width + config.recurrent)
        self.input_width = input_width

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """What runs over the steps of a window, batch first."""

    @override
    def trunk(self, features: Features) -> Float[Tensor, "b t h"]:
        steps = self.steps(features)
        padding = (~features.valid).sum(dim=1)
        hidden, _ = self.network(shift(steps, padding))
        return torch.cat([steps, shift(hidden, -padding)], dim=-1)
