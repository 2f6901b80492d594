"""MPT as a Flamingo needs it: Hugging Face's MPT with the linear bias of ALiBi (arXiv 2108.12409) by true positions.

Hugging Face's own decoder counts padding when it measures distances, and has no normalised queries and keys, which
MPT-1B (``mosaic_gpt``) has. Parameters keep the names that MPT-7B is published with.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Cache, MptConfig, MptForCausalLM, MptModel
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.mpt.configuration_mpt import MptAttentionConfig
from transformers.models.mpt.modeling_mpt import MptAttention, build_mpt_alibi_tensor
from typing_extensions import override


class AlibiAttention(MptAttention):
    """Self-attention whose bias may differ from row to row."""

    layer_idx: int

    def __init__(self, config: MptConfig, layer_idx: int):
        super().__init__(config, layer_idx)
        assert isinstance(config.attn_config, MptAttentionConfig)
        normalised = config.attn_config.qk_ln
        self.q_ln = nn.LayerNorm(self.hidden_size, bias=False) if normalised else nn.Identity()
        self.k_ln = nn.LayerNorm(self.hidden_size, bias=False) if normalised else nn.Identity()

    @override
    def forward(
        self,
        hidden_states: Float[Tensor, "b s d"],
        position_bias: Float[Tensor, "b h s k"],
        past_key_values: Cache | None = None,
        attention_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Float[Tensor, "b s d"], None]:
        """Attend under ``position_bias``, which is minus infinity where nothing may be seen."""
        packed = self.Wqkv(hidden_states)
        if self.clip_qkv:
            packed = packed.clamp(min=-self.clip_qkv, max=self.clip_qkv)
        queries, keys, values = packed.chunk(3, dim=-1)
        parts = (self.q_ln(queries), self.k_ln(keys), values)
        queries, keys, values = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts)
        if past_key_values is not None:
            keys, values = past_key_values.update(keys, values, self.layer_idx)
        bias, dropout = position_bias.to(queries.dtype), self.attn_dropout_p if self.training else 0.0
        seen = F.scaled_dot_product_attention(queries, keys, values, bias, dropout, scale=self.softmax_scale)
        return self.out_proj(seen.transpose(1, 2).flatten(2)), None


class MptDecoder(MptModel):
    """The blocks between embedding and vocabulary."""

    def __init__(self, config: MptConfig):
        super().__init__(config)
        assert isinstance(config.attn_config, MptAttentionConfig)
        self.steepest = config.attn_config.alibi_bias_max
        for index, block in enumerate(self.blocks):
            block.attn = AlibiAttention(config, index)

    @override
    def forward(
        self,
        inputs_embeds: Float[Tensor, "b s d"],
        attention_mask: Float[Tensor, "b h s k"],
        past_key_values: Cache | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Run on embeddings; ``attention_mask`` is what ``bias`` makes."""
        hidden = inputs_embeds
        for block in self.blocks:
            given = {"position_bias": attention_mask, "attention_mask": None, "layer_past": past_key_values}
            hidden, _ = block(hidden, **given, **kwargs)
        return BaseModelOutputWithPast(last_hidden_state=self.norm_f(hidden), past_key_values=past_key_values)

    def bias(
        self, allowed: Bool[Tensor, "b 1 s k"], queries: Int[Tensor, "b s"], keys: Int[Tensor, "b k"]
    ) -> Float[Tensor, "b h s k"]:
        """A penalty that grows with the distance in positions, by head; what is not ``allowed`` is out of reach."""
        slopes = -build_mpt_alibi_tensor(self.num_heads, 2, self.steepest, allowed.device)[:, 0, 0]
        distance = keys[:, None, None, :] - queries[:, None, :, None]
        return (slopes[:, None, None] * distance).masked_fill(~allowed, -torch.inf)


class Mpt(MptForCausalLM):
    """MPT with its vocabulary."""

    def __init__(self, config: MptConfig):
        super().__init__(config)
        self.transformer = MptDecoder(config)
        self.post_init()


def mosaic_gpt_config(described: dict[str, Any]) -> MptConfig:
    """The settings of MPT-1B, which its directory keeps flat and under other names."""
    same = ("d_model", "n_heads", "n_layers", "max_seq_len", "vocab_size", "no_bias", "logit_scale")
    attention = {"alibi_bias_max": "alibi_bias_max", "clip_qkv": "attn_clip_qkv", "qk_ln": "attn_qk_ln"}
    attention |= {"softmax_scale": "softmax_scale", "alibi": "alibi"}
    return MptConfig(
        **{name: described[name] for name in same if name in described},
        attn_config={name: described[theirs] for name, theirs in attention.items() if theirs in described},
    )
