"""Names of weights that a policy's VLM does not own: the published code's and ours."""

import re

import torch
from torch import Tensor

from robovlms.core.errors import UserError

_HEAD = (re.compile(r"^act_head\."), "head.")
_RESAMPLER = (
    (re.compile(r"^vision_resampler\.(layers\.\d+\.)0\."), r"backbone.resampler.\1"),
    (re.compile(r"^vision_resampler\.(layers\.\d+\.)1\."), r"backbone.resampler.\1feed_forward."),
    (re.compile(r"^vision_resampler\."), "backbone.resampler."),
)
_BACK = (
    (re.compile(r"^head\."), "act_head."),
    (re.compile(r"^backbone\.resampler\.(layers\.\d+\.)feed_forward\."), r"vision_resampler.\g<1>1."),
    (re.compile(r"^backbone\.resampler\.(layers\.\d+\.)"), r"vision_resampler.\g<1>0."),
    (re.compile(r"^backbone\.resampler\."), "vision_resampler."),
)
_CAUSAL = re.compile(r"(?:act_head\.)?gpt\.h\.\d+\.attn\.(bias|masked_bias)")
"""Buffers of the published GPT head that hold no weights: its causal mask, and what stands for minus infinity."""


def our_name(name: str) -> str:
    """Our name of a published weight."""
    return _renamed(name, (_HEAD, *_RESAMPLER))


def their_name(name: str) -> str:
    """The published name of one of our weights."""
    return _renamed(name, _BACK)


def is_causal_mask(name: str, value: Tensor) -> bool:
    """Whether this is a buffer that says who sees whom, as our head knows by itself.

    Raises:
        UserError: it is one, but says something else.
    """
    if not _CAUSAL.fullmatch(name):
        return False
    usual = torch.full_like(value, -1e4) if value.ndim == 0 else torch.ones_like(value).tril()
    if not torch.equal(value, usual):
        raise UserError(f"{name} is not the causal mask it should be, so the head would see another way.")
    return True


def _renamed(name: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, replacement in rules:
        if pattern.search(name):
            return pattern.sub(replacement, name)
    return name
