"""InstructBLIP's miniatures."""

import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import (
    BertTokenizer,
    BlipImageProcessorPil,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from robovlms.backbones.tiny.parts import LAYERS, LLAMA, VIT, WIDTH, byte_tokenizer, id_of, ids_of


@dataclass(frozen=True)
class _Beside:
    """A tokenizer that is kept in a folder beside the model's own."""

    tokenizer: Any

    def save_pretrained(self, directory: Path) -> None:
        self.tokenizer.save_pretrained(directory / "qformer_tokenizer")


def vicuna() -> tuple[Any, ...]:
    """InstructBLIP with a LLaMA."""
    tokenizer = byte_tokenizer("<image>")
    return _around({"model_type": "llama", **LLAMA, **ids_of(tokenizer)}, tokenizer)


def t5() -> tuple[Any, ...]:
    """InstructBLIP with Flan-T5, whose head is not its word embedding."""
    tokenizer = byte_tokenizer("<image>", begins=False, ends=True)
    sizes: dict[str, Any] = {"d_model": WIDTH, "d_ff": 48, "d_kv": 16, "num_layers": 2, "num_heads": 2}
    sizes |= {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    return _around({"model_type": "t5", **sizes, **ids_of(tokenizer), "decoder_start_token_id": 0}, tokenizer)


def _around(text: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> tuple[Any, ...]:
    words = _letters()
    qformer = {"hidden_size": WIDTH, "intermediate_size": 48, "vocab_size": len(words), **LAYERS}
    config = InstructBlipConfig(
        vision_config=VIT,
        qformer_config=qformer,
        text_config=text,
        num_query_tokens=4,
        image_token_index=id_of(tokenizer, "<image>"),
    )
    processor = BlipImageProcessorPil(size={"height": 32, "width": 32})
    return InstructBlipForConditionalGeneration(config), tokenizer, processor, _Beside(words)


def _letters() -> BertTokenizer:
    """A BERT tokenizer that spells."""
    signs = string.ascii_lowercase + string.digits + string.punctuation
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *signs, *(f"##{sign}" for sign in signs)]
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)})


VARIANTS = {"instructblip": vicuna, "instructblip-t5": t5}
