"""Policy head of RoboVLMs with a causal transformer: each step attends to the steps before it (arXiv 2412.14058).

As upstream's GPT decoder, with a learned vector for each place in the window. Acting, the window slides: its oldest
frame always has the first place.
"""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.heads.attention import MAX_STEPS, Block, TransformerConfig, look_back, places
from robovlms.heads.head import Features
from robovlms.heads.regression import RegressionConfig, RegressionHead


class GPTConfig(RegressionConfig, TransformerConfig):
    """A causal transformer over the window, then an MLP. Upstream uses 8 layers of 1024."""

    kind: Literal["gpt"] = "gpt"
    width: int = Field(256, ge=1)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "GPTHead":
        """The head for slots, and a state if there is one, of these widths."""
        return GPTHead(self, action_spec, chunk, self.num_slots * width + state_width)


class GPTHead(RegressionHead):
    """Fuses time; the current step's features also reach the MLP directly."""

    def __init__(self, config: GPTConfig, action_spec: ActionSpec, chunk: int, input_width: int):
        super().__init__(config, action_spec, chunk, input_width + config.width)
        self.embed = nn.Linear(input_width, config.width)
        self.places = nn.Embedding(MAX_STEPS, config.width)
        self.blocks = nn.ModuleList([Block(config.width, config.num_attention_heads) for _ in range(config.num_layers)])
        self.norm = nn.LayerNorm(config.width)

    @override
    def trunk(self, features: Features) -> Float[Tensor, "b t h"]:
        steps, seen = self.steps(features), look_back(features.valid)
        hidden = self.embed(steps) + self.places(places(features.valid))
        for block in self.blocks:
            hidden = block(hidden, seen)
        return torch.cat([steps, self.norm(hidden)], dim=-1)
