"""Which miniatures the parity tests run, and what each model's own forward wants beside ids and pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One miniature, and the prompt its family writes for ``open`` and an image (one ``[image]`` for all its tokens).

    ``own`` makes the further arguments of the model's own forward from the ids and the placeholder; None where
    transformers has no such model, and a sibling test holds the family against something else. ``tolerance`` is the
    largest difference of hidden states to the own forward. ``processed`` calls the family's image processor on an
    image, as one of several where that makes a difference.
    """

    name: str
    prompt: str
    own: Callable[[torch.Tensor, int], dict[str, Any]] | None = lambda ids, image: {}
    tolerance: float = 0.0
    processed: Callable[[Any, Any], Any] = lambda processor, image: processor(images=[image], return_tensors="pt")


def tiles(ids: torch.Tensor, image: int) -> dict[str, Any]:
    """Mllama: every token after the image looks at the first of four tiles."""
    looks = (ids == image).cumsum(dim=1)[..., None, None]
    return {"cross_attention_mask": looks * torch.tensor([1, 0, 0, 0])}


_QWEN = "<|im_start|>user\n<|vision_start|>[image]<|vision_end|>open<|im_end|>\n<|im_start|>assistant\n"
_IDEFICS = "<s>User:<fake_token_around_image>[image]<fake_token_around_image>open\nAssistant:"

_GEMMA3 = (
    "<bos><start_of_turn>user\n\n\n<start_of_image>[image]<end_of_image>\n\nopen<end_of_turn>\n<start_of_turn>model\n"
)
_IDEFICS3 = (
    "User:<fake_token_around_image><global-img>[image]<fake_token_around_image>open<end_of_utterance>\nAssistant:"
)

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
    # its own forward is this package's; test_qwen1.py holds that against the published code
    Case("qwen_vl-1", "<|im_start|>user\n<img>[image]</img>\nopen<|im_end|>\n<|im_start|>assistant\n"),
    Case("qwen_vl-3", _QWEN, lambda ids, image: {"mm_token_type_ids": (ids == image).int()}),
    Case(
        "llava_onevision",
        "<|im_start|>user [image]\nopen<|im_end|><|im_start|>assistant\n",
        processed=lambda processor, image: processor(images=[[image, image]], return_tensors="pt"),
    ),
    Case("internvl", "<|im_start|>user\n<img>[image]</img>\nopen<|im_end|>\n<|im_start|>assistant\n"),
    Case("smolvlm", f"<|im_start|>{_IDEFICS3}"),
    Case("smolvlm-idefics3", f"<|begin_of_text|>{_IDEFICS3}"),
    Case("gemma3", _GEMMA3, lambda ids, image: {"token_type_ids": (ids == image).long()}),
    Case(
        "glm4v",
        "[gMASK]<sop><|user|>\n<|begin_of_image|>[image]<|end_of_image|>open<|assistant|>\n",
        lambda ids, image: {"mm_token_type_ids": (ids == image).int()},
    ),
    Case("cohere2_vision", "[image]<bos>open\n"),
    Case("idefics", _IDEFICS, lambda ids, image: {"image_attention_mask": (ids == image).cumsum(dim=1)[..., None]}),
    Case("flamingo", "<s>[image]open<|endofchunk|>", own=None),
    Case("flamingo-mpt", "[image]open<|endofchunk|>", own=None),
    Case("flamingo-mpt-1b", "[image]open<|endofchunk|>", own=None),
    Case("flamingo-gpt_neox", "[image]open<|endofchunk|>", own=None),
    Case("otter", "<s>[image]User: open GPT:<answer>", own=None),
    # its own forward adds up three empty tiles too, ours a key of zeros; that rounds otherwise
    Case("mllama", "[image]<|begin_of_text|>open", tiles, tolerance=1e-6),
)
WITH_OWN_FORWARD = tuple(case for case in CASES if case.own is not None)
