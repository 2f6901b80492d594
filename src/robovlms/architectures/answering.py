"""Structures whose actions are words: the language model continues the prompt, one token after the other.

Training tells the right answer and asks at each token for the next (teacher forcing); acting says the likeliest, with
what was thought before kept. Only the tokens of actions can be said: ids at the tail of the vocabulary, which are its
rarest words (RT-2, arXiv 2307.15818).
"""

from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import override

from robovlms.architectures.vlm import VLMArchitecture, VLMConfig
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Action, Cache, Layout, Segment, TokenKind
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.heads.answers import TokenHead
from robovlms.heads.head import Head, Prediction


class AnsweringConfig(VLMConfig):
    """What structures that answer in words have in common."""

    usual_head: ClassVar[str] = "tokens"
    speaks: ClassVar[bool] = True
    read: Literal["slots"] = "slots"
    """An answer continues the prompt; the last slot starts it."""


class Answering(VLMArchitecture):
    """Asks its backbone about the words of its head; ``words`` are the vocabulary's ids of the head's classes."""

    words: Tensor

    def __init__(self, config: VLMConfig, backbone: Backbone, head: Head, state_dims: int):
        super().__init__(config, backbone, head, state_dims)
        count, ordinary = self.speaker.num_classes, backbone.ordinary_words
        if len(ordinary) < count:
            raise UserError(
                f"{self.speaker.size_setting} asks for {count} different tokens, the vocabulary of this VLM has "
                f"{len(ordinary)} ordinary words. Set it lower, or take another VLM."
            )
        self.register_buffer("words", ordinary[-count:], persistent=False)

    @override
    def plan(self, batch: Batch, **given: Any) -> Prediction:
        """``features`` would be told the answers."""
        return self.predict(self.act(batch), batch, **given)

    @property
    def speaker(self) -> TokenHead:
        """The head, which knows what to say."""
        assert isinstance(self.head, TokenHead), "the configuration was validated"
        return self.head

    def logits(self, hidden: Float[Tensor, "*n d"]) -> Float[Tensor, "*n v"]:
        """How likely each class is, at hidden states."""
        return self.backbone.speak(hidden, self.words)

    def right(self, batch: Batch) -> Int[Tensor, "b t l"]:
        """The classes of the right answers, as long as the longest of them."""
        answers = self.speaker.answers(batch.actions, batch.action_mask)
        return answers.classes[..., : max(1, int(answers.counts.sum(dim=-1).max()))]

    def told(self, classes: Int[Tensor, "b l"], step: int = 0) -> list[Segment]:
        """An answer in the prompt, without its last token, after which nothing is asked."""
        return [Action(self.words[classes[:, :-1]], step)] if classes.shape[1] > 1 else []

    def asked(
        self, hidden: Float[Tensor, "b s d"], layout: Layout, num_steps: int
    ) -> tuple[Float[Tensor, "b t m d"], Float[Tensor, "b t l d"]]:
        """Hidden states at the slots, and where the tokens of an answer are asked for: the last slot, each token."""
        num_slots = self.head.queries(None).num_slots
        steps = hidden[:, layout.where(TokenKind.SLOT, TokenKind.ACTION)].unflatten(1, (num_steps, -1))
        return steps[:, :, :num_slots], steps[:, :, num_slots - 1 :]

    def answer(self, hidden: Float[Tensor, "b d"], cache: Cache | None, step: int = 0) -> Float[Tensor, "b l v"]:
        """Logits along the likeliest answer; ``hidden`` is where it starts, ``cache`` what was thought until there."""
        logits = [self.logits(hidden)]
        while not self.speaker.over(said := torch.stack(logits, dim=1).argmax(dim=-1)):
            more = self.backbone.compose([Action(self.words[said[:, -1:]], step)], cache)
            hidden, cache = self.backbone.think(more, cache)
            logits.append(self.logits(hidden[:, -1]))
        return torch.stack(logits, dim=1)
