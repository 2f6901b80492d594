"""A GRU fuses the slots of a window of steps: what an LSTM does for the policy head, with a quarter less to learn."""

from typing import Literal

from torch import nn
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.recurrent import RecurrentConfig, RecurrentHead


class GRUConfig(RecurrentConfig):
    """A GRU over the window, then an MLP."""

    kind: Literal["gru"] = "gru"

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "GRUHead":
        """The head for slots, and a state if there is one, of these widths."""
        return GRUHead(self, action_spec, chunk, width, state_width)


class GRUHead(RecurrentHead):
    """The GRU of a window."""

    def __init__(self, config: GRUConfig, action_spec: ActionSpec, chunk: int, width: int, state_width: int):
        super().__init__(config, action_spec, chunk, width, state_width)
        self.gru = nn.GRU(self.input_width, config.recurrent, config.num_layers, batch_first=True)

    @property
    @override
    def network(self) -> nn.GRU:
        return self.gru
