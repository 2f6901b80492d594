"""Which miniatures the parity tests run, and what each model's own forward wants beside ids and pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One miniature; ``own`` makes the further arguments of its own forward from the ids and the placeholder."""

    name: str
    own: Callable[[torch.Tensor, int], dict[str, Any]] = lambda ids, image: {}


CASES = (
    Case("llava"),
    Case("paligemma", lambda ids, image: {"token_type_ids": torch.zeros_like(ids)}),
    Case("qwen_vl", lambda ids, image: {"mm_token_type_ids": (ids == image).int()}),
    Case("blip2"),
    Case("blip2-t5"),
    Case("idefics", lambda ids, image: {"image_attention_mask": (ids == image).cumsum(dim=1)[..., None]}),
)
