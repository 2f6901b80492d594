"""Holds our action tokens against a kit's tables of the published action tokenizer, and our token loss."""

from collections.abc import Mapping
from typing import Any

import torch

from robovlms.heads.upstream_tokens import UpstreamTokens, UpstreamTokensConfig, token_loss
from robovlms.upstream.check_tokens import metrics
from robovlms.upstream.conventions import CALVIN_ACTIONS
from robovlms.upstream.families import RESERVED
from robovlms.upstream.kit import Comparison, Kit

DISCRETE_BINS = 256
"""Of a ``DiscreteDecoder`` that is not told otherwise."""


def tokens_at(tokenizer: Mapping[str, int], num_bins: int) -> UpstreamTokens:
    """Action tokens of a tokenizer that is described by its size and its number of special tokens."""
    base = tokenizer["vocab_size"] - tokenizer["special_tokens_count"] - RESERVED
    return UpstreamTokens(UpstreamTokensConfig(base=base, num_bins=num_bins), CALVIN_ACTIONS, chunk=1)


def compare_bins(name: str, tokenizer: Mapping[str, int], kit: Kit, found: Comparison) -> None:
    """Tables of one tokenizer, for every number of bins that the kit has."""
    prefix = f"tokenizer.{name}."
    for num_bins in sorted({int(key.split(".")[2]) for key in found.expected if key.startswith(prefix)}):
        at, tokens = f"{prefix}{num_bins}", tokens_at(tokenizer, num_bins)
        ids, values = kit.outputs[f"{at}.decode_ids"], kit.inputs["tokenizer.values"]
        base = torch.tensor(tokens.config.base)
        tables = {
            "base": base,
            "begin_idx": base - num_bins - 1,
            "end_idx": base,
            "bins": tokens.edges,
            "bin_centers": tokens.decode(base - 1 - torch.arange(num_bins - 1)),
            "encode": tokens.encode(values),
            "decode_ids": ids,
            "decode_table": tokens.decode(ids),
            "decode_of_encode": tokens.decode(tokens.encode(values)),
        }
        for key, table in tables.items():
            found.add(f"{at}.{key}", table)


def compare_discrete(tokenizers: Mapping[str, Mapping[str, Any]], kit: Kit, found: Comparison) -> None:
    """Loss and metrics on given logits, with the tokenizer whose vocabulary they have."""
    if "discrete.logits" not in kit.inputs:
        return
    logits, labels = kit.inputs["discrete.logits"][:, :-1], kit.inputs["discrete.labels"][:, 1:]
    found.add("discrete.loss_arm", token_loss(logits, labels))
    fitting = [tokenizer for tokenizer in tokenizers.values() if tokenizer["vocab_size"] == logits.shape[-1]]
    if fitting:
        measured = metrics(tokens_at(fitting[0], DISCRETE_BINS), logits, labels)
        for ours, theirs in {
            "acc_arm_act": "acc_arm",
            "acc_gripper_act": "acc_gripper",
            "action_l1": "action_l1",
        }.items():
            found.add(f"discrete.{theirs}", measured[ours])
