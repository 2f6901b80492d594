"""The prompt of the published RoboVLMs code where actions are tokens, for checkpoints imported from there.

Source: ``forward_discrete`` and ``pred_action_discrete`` of ``robovlms/model/backbone/base_backbone.py`` in
Robot-VLAs/RoboVLMs (8adc1d2)::

    [first token][hand camera][static camera][rest of the question][action tokens][end of text]

Acting says one token after the other, the likeliest of the whole vocabulary, with what was thought before kept.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from typing_extensions import override

from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.upstream_layout import INSTRUCTION, bare, lay_out, see_frames, write
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Action, Segment, Text
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.heads.head import Features
from robovlms.heads.upstream_tokens import UpstreamTokens

PADDING = 0
"""The id that fills up short rows; it is masked."""


class UpstreamTokensPromptConfig(ArchitectureConfig):
    """How the original asks for an action; an import takes it from its configuration and tokenizer."""

    kind: Literal["upstream_tokens_prompt"] = "upstream_tokens_prompt"
    template: str = INSTRUCTION
    end: int = Field(1, ge=0, le=1)
    """Tokens at the end of a question that make place for the answer."""
    max_text_tokens: int = Field(96, ge=4)


class UpstreamTokensPrompt(Architecture):
    """One step: the language model answers with the tokens of a chunk."""

    def __init__(self, config: UpstreamTokensPromptConfig, backbone: Backbone, head: UpstreamTokens):
        super().__init__()
        if config.history != 1:
            raise UserError(f"Action tokens are read off one frame: history is {config.history}, set it to 1.")
        self.config, self.backbone, self.head, self.state = config, backbone, head, None
        bare(backbone)

    @property
    def answer(self) -> UpstreamTokens:
        """The head, which knows the tokens."""
        assert isinstance(self.head, UpstreamTokens), "as it was built"
        return self.head

    @override
    def features(self, batch: Batch) -> Features:
        """Slots are the tokens before each action token and before the end, with the right ones told."""
        text = self.told(batch)
        sequence = lay_out(self.backbone, self._segments(batch, text), count_padding=False)
        hidden, _ = self.backbone.think(sequence)
        num_slots = self.answer.num_tokens + (self.answer.config.end_id is not None)
        first = sequence.embeds.shape[1] - text.ids.shape[1] + text.valid.sum(dim=1) - num_slots - 1
        places = first[:, None] + torch.arange(num_slots, device=first.device)
        return self._spoken(batch, hidden.gather(1, places[..., None].expand(-1, -1, hidden.shape[-1])))

    @override
    @torch.no_grad()
    def act(self, batch: Batch) -> Features:
        """Slots are the tokens before each action token, with the likeliest said."""
        question = self._question(batch, self.config.max_text_tokens)
        sequence = lay_out(self.backbone, self._segments(batch, question), count_padding=False)
        hidden, cache = self.backbone.think(sequence, self.backbone.new_cache())
        last = sequence.embeds.shape[1] - question.ids.shape[1] + question.valid.sum(dim=1) - 1
        slots = [hidden[torch.arange(len(last), device=last.device), last]]
        while len(slots) < self.answer.num_tokens:
            likeliest = self.backbone.speak(slots[-1]).argmax(dim=-1, keepdim=True)
            hidden, cache = self.backbone.think(self.backbone.compose([Action(likeliest)], cache), cache)
            slots.append(hidden[:, -1])
        return self._spoken(batch, torch.stack(slots, dim=1))

    def told(self, batch: Batch) -> Text:
        """Each window's question with its answer, and the end of the text behind it."""
        said, question = self.head.queries(batch.actions).action_ids, self._question(batch, None)
        assert said is not None, "a head of action tokens"
        end = said.new_tensor([] if self.answer.config.end_id is None else [self.answer.config.end_id])
        rows = [
            torch.cat([ids[valid], answer, end])
            for ids, valid, answer in zip(question.ids, question.valid, said[:, 0], strict=True)
        ]
        ids = pad_sequence(rows, batch_first=True, padding_value=PADDING)
        lengths = torch.tensor([len(row) for row in rows], device=ids.device)
        return Text(ids, torch.arange(ids.shape[1], device=ids.device) < lengths[:, None])

    @override
    def require_readable(self, instructions: Sequence[str]) -> None:
        write(self.backbone, self.config.template, instructions, True, self.config.max_text_tokens + self.config.end)

    def _question(self, batch: Batch, length: int | None) -> Text:
        """The question of each window, without the end of its text."""
        end = self.config.end
        text = write(self.backbone, self.config.template, batch.instructions, True, length and length + end)
        text = Text(text.ids[batch.instruction_index], text.valid[batch.instruction_index])
        if not end:
            return text
        final = text.valid.sum(dim=1, keepdim=True) - 1
        kept = text.valid & (torch.arange(text.ids.shape[1], device=final.device) != final)
        return Text(text.ids[:, :-end], kept[:, :-end])

    def _segments(self, batch: Batch, text: Text) -> list[Segment]:
        """The images go in behind the first token, whatever that is."""
        first, rest = (Text(text.ids[:, cut], text.valid[:, cut]) for cut in (slice(0, 1), slice(1, None)))
        return [first, *see_frames(self.backbone, batch, batch.frame_index[:, -1]), rest]

    def _spoken(self, batch: Batch, slots: Float[Tensor, "b m d"]) -> Features:
        return Features(slots[:, None], batch.frame_valid, logits=self.backbone.speak(slots)[:, None])
