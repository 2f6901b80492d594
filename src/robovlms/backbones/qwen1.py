"""The first Qwen-VL (arXiv 2308.12966), natively: its published modeling code needs an old transformers.

A directory holds what was published (``config.json``, weights, ``qwen.tiktoken``), or what ``save`` writes
(``tokenizer.json`` and ``preprocessor_config.json`` in the place of the latter).

Non-obvious: the model was trained on 2,048 tokens, seven frames. What its code does beyond them (other frequencies for
the whole prompt) makes early hidden states depend on later tokens, so a longer prompt is refused. The family numbers
images ("Picture 1: "); that is left out, because the words would depend on how many cameras a row has.
"""

from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoConfig, CLIPImageProcessorPil
from transformers.utils import cached_file
from typing_extensions import override

from robovlms.backbones.image_processor import read_image_processor
from robovlms.backbones.pretrained import read_tokenizer
from robovlms.backbones.qwen1_model import QwenVLConfig
from robovlms.backbones.qwen1_tokenizer import VOCABULARY, read_tiktoken
from robovlms.backbones.splice import SpliceBackbone


class QwenVLBackbone(SpliceBackbone):
    """Qwen-VL and Qwen-VL-Chat."""

    model_types = (QwenVLConfig.model_type,)
    opening = "<|im_start|>user\n"
    around_image = ("<img>", "</img>\n")

    @classmethod
    @override
    def processors(cls, directory: str | Path) -> tuple[Any, Any]:
        return _tokenizer(directory), _image_processor(directory)

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<|im_end|>\n<|im_start|>assistant\n"

    @property
    @override
    def num_positions(self) -> int:
        return self.model.config.seq_length

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.visual.attn_pool


def _tokenizer(directory: str | Path) -> Any:
    try:
        vocabulary = cached_file(directory, VOCABULARY)
    except OSError:
        return read_tokenizer(directory)
    assert vocabulary is not None
    return read_tiktoken(Path(vocabulary))


def _image_processor(directory: str | Path) -> Any:
    try:
        return read_image_processor(directory)
    except OSError:
        side = AutoConfig.from_pretrained(directory).visual["image_size"]
        return CLIPImageProcessorPil(size={"height": side, "width": side}, do_center_crop=False)
