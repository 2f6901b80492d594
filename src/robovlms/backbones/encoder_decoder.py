"""Encoder-decoder families: images, text and state are encoded; slots and action tokens live in the decoder.

Steps are causal in all three attentions, so a sequence of steps can be thought step by step: the encoder's tokens of a
step see earlier steps, and a slot sees the encoder's tokens up to its own step. Positions of these encoders follow from
a token's place, so padding is moved to the end before encoding and back afterwards. In the decoder a family moves
tokens to their positions (``placed``), which padding and answers of earlier steps do not take up.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import DynamicCache, EncoderDecoderCache
from typing_extensions import override

from robovlms.backbones.backbone import causal, visible
from robovlms.backbones.compose import Part, everywhere
from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.backbones.prompt import Cache, Layout, TokenKind

DECODED = (TokenKind.SLOT, TokenKind.ACTION, TokenKind.BEGIN)


@dataclass
class States:
    """The encoder's inputs so far, its outputs, and the decoder's own keys and values."""

    inputs: Float[Tensor, "b e d"] | None = None
    outputs: Float[Tensor, "b e d"] | None = None
    decoder: DynamicCache | None = None


class EncoderDecoderBackbone(PretrainedBackbone):
    """An encoder-decoder VLM; each run of slots or action tokens begins with the family's start token."""

    in_runs = False

    @property
    def encoder(self) -> nn.Module:
        """The language model's encoder."""
        return self.text_tower.get_encoder()

    @property
    def decoder(self) -> Any:
        """The language model's decoder, without its head."""
        return self.text_tower.get_decoder()

    @property
    @override
    def text_tower(self) -> Any:
        return self.model.language_model

    @property
    @override
    def unstreamable(self) -> str:
        return "its encoder reads all steps again whenever one comes"

    @override
    def new_cache(self) -> Cache:
        return Cache(States(decoder=DynamicCache()))

    @override
    def arrange(self, parts: list[Part], before: Layout | None) -> list[Part]:
        """Each run of slots or actions begins with the start token, unless a cache ends within that run."""
        arranged: list[Part] = []
        last = None if before is None else int(before.kind[-1])
        for part in parts:
            if part.kind in DECODED and last not in DECODED:
                arranged.append(self._begin(part))
            arranged.append(part)
            last = part.kind
        return arranged

    def _begin(self, part: Part) -> Part:
        start = self.model.config.get_text_config().decoder_start_token_id
        ids = torch.full((part.embeds.shape[0], 1), start, device=self.word_embedding_device)
        return everywhere(TokenKind.BEGIN, part.step, self.read(ids))

    @override
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        scaled = getattr(self.model.config.get_text_config(), "scale_decoder_outputs", False)  # T5 with tied embeddings
        return super().speak(hidden * self.hidden_size**-0.5 if scaled else hidden, ids)

    @override
    def decode(self, embeds: Float[Tensor, "b s d"], known: Cache) -> Float[Tensor, "b s d"]:
        assert known.layout is not None
        layout, states = known.layout, known.states or States()
        answers = layout.where(*DECODED)
        new = answers[-embeds.shape[1] :]
        if not new.all():
            self._encode(embeds[:, ~new], layout, answers, states)
        hidden = torch.empty_like(embeds)
        assert states.outputs is not None
        hidden[:, ~new] = states.outputs[:, states.outputs.shape[1] - int((~new).sum()) :]
        if new.any():
            hidden[:, new] = self._answer(embeds[:, new], layout, answers, states)
        return hidden

    def _encode(self, embeds: Tensor, layout: Layout, answers: Bool[Tensor, " s"], states: States) -> None:
        """Encode all steps so far again: earlier ones come out as before, since they do not see later ones."""
        states.inputs = embeds if states.inputs is None else torch.cat([states.inputs, embeds], dim=1)
        valid, step = layout.valid[:, ~answers], layout.step[~answers]
        order = (~valid).int().argsort(dim=1, stable=True)
        allowed = (step[:, None] >= step) & valid[:, None, :]
        allowed |= torch.eye(len(step), dtype=torch.bool, device=step.device)
        outputs = self.encoder(
            inputs_embeds=_reorder(states.inputs, order),
            attention_mask=_sort(allowed, order, embeds),
            use_cache=False,  # BART's warns otherwise, under gradient checkpointing
        )
        states.outputs = _reorder(outputs.last_hidden_state, order.argsort(dim=1))

    def _answer(self, embeds: Tensor, layout: Layout, answers: Bool[Tensor, " s"], states: States) -> Tensor:
        count, step = embeds.shape[1], layout.step
        seen = (step[answers][-count:, None] >= step[~answers]) & layout.valid[:, None, ~answers]
        spoken = layout.part(answers)
        embeds, bias = self._at_positions(embeds, spoken)
        cache = None if states.decoder is None else EncoderDecoderCache(states.decoder, DynamicCache())
        output = self.decoder(
            inputs_embeds=embeds,
            attention_mask=_additive(visible(causal(spoken, count), spoken), embeds, bias),
            encoder_hidden_states=states.outputs,
            encoder_attention_mask=_additive(seen[:, None], embeds),
            past_key_values=cache,
            use_cache=cache is not None,
        )
        return output.last_hidden_state

    def _at_positions(self, embeds: Tensor, layout: Layout) -> tuple[Tensor, Tensor | None]:
        positions = self.positions(layout)
        places = torch.arange(positions.shape[1], device=positions.device).expand_as(positions)
        return (embeds, None) if torch.equal(positions, places) else self.placed(embeds, positions, places)

    @abstractmethod
    def placed(
        self, embeds: Float[Tensor, "b q d"], positions: Int[Tensor, "b s"], places: Int[Tensor, "b s"]
    ) -> tuple[Float[Tensor, "b q d"], Float[Tensor, "b h q s"] | None]:
        """The newest tokens at their positions in the decoder, which counts them by their places.

        ``positions`` and ``places`` are those of all tokens so far. Returns embeddings that make up for the difference,
        and what is added to the scores of attention, if anything.
        """


def _reorder(tokens: Float[Tensor, "b s d"], order: Int[Tensor, "b s"]) -> Float[Tensor, "b s d"]:
    return tokens.gather(1, order[:, :, None].expand_as(tokens))


def _sort(allowed: Bool[Tensor, "b s s"], order: Int[Tensor, "b s"], like: Tensor) -> Float[Tensor, "b 1 s s"]:
    rows = allowed.gather(1, order[:, :, None].expand_as(allowed))
    return _additive(rows.gather(2, order[:, None, :].expand_as(rows))[:, None], like)


def _additive(
    allowed: Bool[Tensor, "b 1 q k"], like: Tensor, bias: Float[Tensor, "b h q k"] | None = None
) -> Float[Tensor, "b #h q k"]:
    """A mask to add to attention scores, as position biases are (T5), and a bias with it."""
    scores = torch.zeros_like(allowed, dtype=like.dtype) if bias is None else bias.to(like.dtype)
    return scores.masked_fill(~allowed, torch.finfo(like.dtype).min)
