"""What miniatures share: a byte tokenizer and sizes of towers."""

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

WIDTH = 32
LAYERS: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
LLAMA: dict[str, Any] = {"hidden_size": WIDTH, "intermediate_size": 48, "num_key_value_heads": 1, **LAYERS}
VIT: dict[str, Any] = {"hidden_size": WIDTH, "intermediate_size": 48, "image_size": 32, "patch_size": 16, **LAYERS}
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def byte_tokenizer(
    *extra: str, bos: str = "<s>", eos: str = "</s>", pad: str = "<pad>", begins: bool = True, ends: bool = False
) -> PreTrainedTokenizerFast:
    """A tokenizer with one token a byte and the family's special tokens first.

    Texts start with ``bos`` and end with ``eos`` if asked.
    """
    special = list(dict.fromkeys([pad, bos, eos, *extra]))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate([*special, *alphabet])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    if begins or ends:
        words = [*[bos] * begins, "$A", *[eos] * ends]
        ids = [(token, special.index(token)) for token in (bos, eos)]
        tokenizer.post_processor = processors.TemplateProcessing(single=" ".join(words), special_tokens=ids)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=pad, bos_token=bos, eos_token=eos)


def ids_of(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """The settings of a language model that follow from its tokenizer."""
    return {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def id_of(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    """The id of one special token."""
    return tokenizer.get_vocab()[token]
