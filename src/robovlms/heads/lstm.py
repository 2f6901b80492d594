"""Policy head of RoboVLMs: an LSTM fuses the slots of a window of steps (arXiv 2412.14058, section on policy heads).

Padded steps come first in a window; each row is shifted so that its first valid step meets a zero state. A window
therefore gives the same answer as the same frames without padding.
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


class LSTMConfig(RegressionConfig):
    """An LSTM over the window, then an MLP. Upstream uses 4 layers of 1024."""

    kind: Literal["lstm"] = "lstm"
    recurrent: int = Field(256, ge=1)
    num_layers: int = Field(1, ge=1)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "LSTMHead":
        """The head for slots, and a state if there is one, of these widths."""
        return LSTMHead(self, action_spec, chunk, self.num_slots * width + state_width)


class LSTMHead(RegressionHead):
    """Fuses time; the current step's features also reach the MLP directly."""

    def __init__(self, config: LSTMConfig, action_spec: ActionSpec, chunk: int, input_width: int):
        super().__init__(config, action_spec, chunk, input_width + config.recurrent)
        self.lstm = nn.LSTM(input_width, config.recurrent, config.num_layers, batch_first=True)

    @override
    def trunk(self, features: Features) -> Float[Tensor, "b t h"]:
        steps = self.steps(features)
        padding = (~features.valid).sum(dim=1)
        hidden, _ = self.lstm(shift(steps, padding))
        return torch.cat([steps, shift(hidden, -padding)], dim=-1)
