"""One-step head: the slots and the state of a step, side by side, through an MLP. No memory."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.head import Features
from robovlms.heads.regression import RegressionConfig, RegressionHead


class MLPConfig(RegressionConfig):
    """A multi-layer perceptron on the slots and the state of each step alone."""

    kind: Literal["mlp"] = "mlp"

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "MLPHead":
        """The head for slots, and a state if there is one, of these widths."""
        return MLPHead(self, action_spec, chunk, self.num_slots * width + state_width)


class MLPHead(RegressionHead):
    """Reads each step on its own."""

    @override
    def trunk(self, features: Features) -> Float[Tensor, "b t h"]:
        return self.steps(features)
