"""Policy-head structure with words for actions: a causal transformer fuses the steps and says the tokens of a chunk.

Each frame is a prompt of its own, encoded once. What its slots say joins those of earlier steps; from the result a
second, small transformer says the answer. Its words are the language model's: read by its embedding, scored by its
output layer, so history costs nothing in the VLM and the answer none of its layers.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.answering import Answering, AnsweringConfig
from robovlms.architectures.policy_head import PolicyHead
from robovlms.backbones.backbone import Backbone
from robovlms.core.batch import Batch
from robovlms.heads.attention import MAX_STEPS, Block, TransformerConfig, look_back, places
from robovlms.heads.head import Features, Head, Prediction


class PolicyHeadDiscreteConfig(AnsweringConfig, TransformerConfig):
    """A prompt a frame; ``width``, ``num_layers`` and ``num_attention_heads`` are those of either transformer."""

    kind: Literal["policy_head_discrete"] = "policy_head_discrete"
    width: int = 256

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "PolicyHeadDiscrete":
        """The structure round a backbone and a head."""
        return PolicyHeadDiscrete(self, backbone, head, state_dims)


class PolicyHeadDiscrete(Answering, PolicyHead):
    """Says each step's chunk from what its slots and those before it hold."""

    def __init__(self, config: PolicyHeadDiscreteConfig, backbone: Backbone, head: Head, state_dims: int):
        super().__init__(config, backbone, head, state_dims)
        reads_state = bool(state_dims) and config.state_in != "prompt"
        inner, outer = config.width, backbone.hidden_size
        self.embed = nn.Linear((head.queries(None).num_slots + reads_state) * outer, inner)
        self.places = nn.Embedding(MAX_STEPS, inner)
        self.fusing, self.saying = (
            nn.ModuleList([Block(inner, config.num_attention_heads) for _ in range(config.num_layers)]) for _ in "fs"
        )
        self.heard, self.orders = nn.Linear(outer, inner), nn.Embedding(self.speaker.num_tokens, inner)
        self.say = nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, outer))

    @override
    def features(self, batch: Batch) -> Features:
        seen, right = self.frames(batch), self.right(batch)
        logits = self.continued(self.fused(seen).flatten(0, 1), right[..., :-1].flatten(0, 1))
        return Features(seen.slots, seen.valid, seen.state, logits=logits.unflatten(0, right.shape[:2]))

    @override
    def act(self, batch: Batch) -> Features:
        return self.frames(batch)

    def frames(self, batch: Batch) -> Features:
        """What the slots of every frame say, each frame by itself."""
        return PolicyHead.features(self, batch)

    @override
    def predict(self, window: Features, batch: Batch, **given: Any) -> Prediction:
        logits = self.said(self.fused(window)[:, -1])
        return self.head.predict(Features(window.slots[:, -1:], window.valid[:, -1:], logits=logits[:, None]), **given)

    def fused(self, seen: Features) -> Float[Tensor, "b t w"]:
        """A vector for each step, of it and the steps before."""
        parts = [seen.slots.flatten(start_dim=2), *([] if seen.state is None else [seen.state])]
        hidden = self.embed(torch.cat(parts, dim=-1)) + self.places(places(seen.valid))
        return _through(self.fusing, hidden, look_back(seen.valid))

    def continued(self, context: Float[Tensor, "n w"], said: Int[Tensor, "n j"]) -> Float[Tensor, "n l v"]:
        """What follows the context and each of the classes that were said."""
        tokens = torch.cat([context[:, None], self.hear(said)], dim=1) + self.orders.weight[: said.shape[1] + 1]
        causal = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=tokens.device).tril()
        return self.logits(self.say(_through(self.saying, tokens, causal.expand(len(tokens), -1, -1))))

    def said(self, context: Float[Tensor, "n w"]) -> Float[Tensor, "n l v"]:
        """``continued`` along the likeliest answer, which it finds token by token."""
        logits: list[Tensor] = []
        memories: list[Tensor | None] = [None] * len(self.saying)
        token = context[:, None]
        while True:
            token = token + self.orders.weight[len(logits)]
            for number, block in enumerate(self.saying):
                assert isinstance(block, Block)
                token, memories[number] = block.follow(token, memories[number])
            logits.append(self.logits(self.say(token[:, 0])))
            if self.speaker.over(classes := torch.stack(logits, dim=1).argmax(dim=-1)):
                return torch.stack(logits, dim=1)
            token = self.hear(classes[:, -1:])

    def hear(self, said: Int[Tensor, "n j"]) -> Float[Tensor, "n j w"]:
        """Classes that were said, as tokens."""
        return self.heard(self.backbone.read(self.words[said]))


def _through(blocks: Sequence[nn.Module] | nn.ModuleList, tokens: Tensor, seen: Tensor) -> Tensor:
    for block in blocks:
        tokens = block(tokens, seen)
    return tokens
