"""Splice families: image tokens stand in the language model's sequence like words.

The headless decoder is called with explicit positions and masks. Families override what differs (``paligemma.py``).
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.backbones.prompt import Cache


class SpliceBackbone(PretrainedBackbone):
    """A decoder-only VLM whose image features are spliced into the text sequence."""

    @override
    def decode(self, embeds: Float[Tensor, "b s d"], known: Cache) -> Float[Tensor, "b s d"]:
        return self.text_tower(**self.decoder_inputs(embeds, known)).last_hidden_state

    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        """What the decoder is called with: rows of the mask and positions of the new tokens only."""
        assert known.layout is not None
        count = embeds.shape[1]
        return {
            "inputs_embeds": embeds,
            "attention_mask": self.mask(known.layout, count),
            "position_ids": self.positions(known.layout)[..., -count:],
            "past_key_values": known.states,
            "use_cache": known.states is not None,
        }
