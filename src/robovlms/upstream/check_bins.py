"""Holds our action tokens against a kit's tables of the published action tokenizer, and our token loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from robovlms.actions.bins import UPSTREAM_RESERVE, ActionTokens, UniformBins
from robovlms.heads.losses import token_loss
from robovlms.heads.upstream_tokens import IGNORED, UpstreamTokens, UpstreamTokensConfig
from robovlms.upstream.check_tokens import metrics
from robovlms.upstream.conventions import CALVIN_ACTIONS
from robovlms.upstream.kit import Comparison, Kit

METRICS = {"acc_arm_act": "acc_arm", "acc_gripper_act": "acc_gripper", "action_l1": "action_l1"}
"""What the published trainer and its head call the same number."""
DISCRETE_EDGES = 256
"""Of a ``DiscreteDecoder`` that is not told otherwise."""


def tokens_at(tokenizer: Mapping[str, int], num_edges: int) -> ActionTokens:
    """Action tokens of a tokenizer that is described by its size and its number of special tokens."""
    count = tokenizer["special_tokens_count"]
    return ActionTokens.at_tail(UniformBins.upstream(num_edges), tokenizer["vocab_size"], count, UPSTREAM_RESERVE)


def compare_bins(name: str, tokenizer: Mapping[str, int], kit: Kit, found: Comparison) -> None:
    """Tables of one tokenizer, for every number of edges that the kit has."""
    prefix = f"tokenizer.{name}."
    for num_edges in sorted({int(key.split(".")[2]) for key in found.expected if key.startswith(prefix)}):
        at, tokens = f"{prefix}{num_edges}", tokens_at(tokenizer, num_edges)
        ids, values = kit.outputs[f"{at}.decode_ids"].numpy(), kit.inputs["tokenizer.values"].numpy()
        tables = {
            "base": np.array(tokens.base),
            "begin_idx": np.array(tokens.first - 1),
            "end_idx": np.array(tokens.base),
            "bins": tokens.bins.edges,
            "bin_centers": tokens.bins.centres,
            "encode": tokens.encode(values),
            "decode_ids": ids,
            "decode_table": tokens.decode(ids),
            "decode_of_encode": tokens.decode(tokens.encode(values)),
        }
        for key, table in tables.items():
            found.add(f"{at}.{key}", torch.from_numpy(table))


def compare_discrete(tokenizers: Mapping[str, Mapping[str, Any]], kit: Kit, found: Comparison) -> None:
    """Loss and metrics on given logits, with the tokenizer whose vocabulary they have."""
    if "discrete.logits" not in kit.inputs:
        return
    logits, labels = kit.inputs["discrete.logits"][:, :-1], kit.inputs["discrete.labels"][:, 1:]
    found.add("discrete.loss_arm", token_loss(logits, labels, labels != IGNORED))
    fitting = [tokenizer for tokenizer in tokenizers.values() if tokenizer["vocab_size"] == logits.shape[-1]]
    if fitting:
        config = UpstreamTokensConfig(base=tokens_at(fitting[0], DISCRETE_EDGES).base, num_bins=DISCRETE_EDGES)
        measured = metrics(UpstreamTokens(config, CALVIN_ACTIONS, chunk=1), logits, labels)
        for ours, theirs in METRICS.items():
            found.add(f"discrete.{theirs}", measured[ours])
