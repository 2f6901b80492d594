"""The first Qwen's tokenizer from its ``qwen.tiktoken``: a line a token, its bytes in base64 and its rank."""

import base64
from pathlib import Path

from tokenizers import normalizers
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter
from typing_extensions import override

VOCABULARY = "qwen.tiktoken"
END = "<|endoftext|>"
SPECIAL = (
    END,
    "<|im_start|>",
    "<|im_end|>",
    *(f"<|extra_{i}|>" for i in range(205)),
    *(f"<{slash}{tag}>" for tag in ("ref", "box", "quad", "img") for slash in ("", "/")),
    "<imgpad>",
)
"""Special tokens, whose ids follow the last rank in this order."""
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""What a token never reaches beyond."""


class _Converter(TikTokenConverter):
    @staticmethod
    @override
    def load_tiktoken_bpe(tiktoken_url: str) -> dict[bytes, int]:
        lines = (line.split() for line in Path(tiktoken_url).read_bytes().splitlines() if line)
        return {base64.b64decode(token): int(rank) for token, rank in lines}


def read_tiktoken(vocabulary: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a ``qwen.tiktoken``."""
    tokenizer = _Converter(str(vocabulary), PIECES, extra_special_tokens=SPECIAL).converted()
    tokenizer.normalizer = normalizers.NFC()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=END, eos_token=END)
