"""Which miniatures the parity tests run, and what each model's own forward wants beside ids and pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One miniature, and the prompt its family writes for ``open`` and an image (one ``[image]`` for all its tokens).

    ``own`` makes the further arguments of the model's own forward from the ids and the placeholder.
    """

    name: str
    prompt: str
    own: Callable[[torch.Tensor, int], dict[str, Any]] = lambda ids, image: {}


_QWEN = "<|im_start|>user\n<|vision_start|>[image]<|vision_end|>open<|im_end|>\n<|im_start|>assistant\n"
_IDEFICS = "<s>User:<fake_token_around_image>[image]<fake_token_around_image>open\nAssistant:"

_KOSMOS = "<s><image>[image]</image><grounding>An image of a robot open"

CASES = (
    Case("kosmos", _KOSMOS, lambda ids, image: {"image_embeds_position_mask": ids == image}),
    Case("llava", "<s>USER: [image]\nopen ASSISTANT:"),
    Case("paligemma", "[image]<bos>open\n", lambda ids, image: {"token_type_ids": torch.zeros_like(ids)}),
    Case("qwen_vl", _QWEN, lambda ids, image: {"mm_token_type_ids": (ids == image).int()}),
    Case("qwen_vl-2.5", _QWEN, lambda ids, image: {"mm_token_type_ids": (ids == image).int()}),
    Case("blip2", "[image]<s>Question: open Answer:"),
    Case("blip2-t5", "[image]<s>Question: open Answer:"),
    Case("instructblip", "[image]<s>open"),
    Case("instructblip-t5", "[image]open</s>"),
    Case("florence", "[image]<s>open</s>"),
    Case("cohere2_vision", "[image]<bos>open\n"),
    Case("idefics", _IDEFICS, lambda ids, image: {"image_attention_mask": (ids == image).cumsum(dim=1)[..., None]}),
)
