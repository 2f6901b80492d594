"""Policy head of RoboVLMs: an LSTM fuses the slots of a window of steps (arXiv 2412.14058, section on policy heads)."""

from typing import Literal

from torch import nn
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.recurrent import RecurrentConfig, RecurrentHead


class LSTMConfig(RecurrentConfig):
    """An LSTM over the window, then an MLP. Upstream uses 4 layers of 1024."""

    kind: Literal["lstm"] = "lstm"

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "LSTMHead":
        """The head for slots, and a state if there is one, of these widths."""
        return LSTMHead(self, action_spec, chunk, width, state_width)


class LSTMHead(RecurrentHead):
    """The LSTM of a window."""

    def __init__(self, config: LSTMConfig, action_spec: ActionSpec, chunk: int, width: int, state_width: int):
        super().__init__(config, action_spec, chunk, width, state_width)
        self.lstm = nn.LSTM(self.input_width, config.recurrent, config.num_layers, batch_first=True)

    @property
    @override
    def network(self) -> nn.LSTM:
        return self.lstm
