"""The tiny VLM's tokenizer: one token a word it was taught, letters for other words, bytes for everything else."""

import re
from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

from robovlms.pretraining.locations import NUM_BINS, location_token

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>", "<image>", "\n")
"""Special tokens in the order of their ids. The newline ends a question."""

_SPACE = "▁"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_PUNCTUATION = ".,:;?!'-/()"
# A word as one piece must score better than its letters, and letters better than bytes.
_WORD_SCORE, _LETTER_SCORE, _BYTE_SCORE = -1.0, -10.0, -20.0


def words_of(texts: Iterable[str]) -> list[str]:
    """Distinct words of some texts, sorted, lower case."""
    return sorted({word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower())})


def build_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """Build the tokenizer whose whole-word vocabulary is ``words``.

    Any text can be encoded: unknown words are spelled, unknown letters become UTF-8 bytes. The beginning token is
    added by default, padding is on the right.
    """
    tokenizer = Tokenizer(Unigram(_vocabulary(words), unk_id=SPECIAL.index("<unk>"), byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(replacement=_SPACE), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(_SPACE), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    locations = [AddedToken(location_token(i), normalized=False) for i in range(NUM_BINS)]
    tokenizer.add_tokens(locations)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", SPECIAL.index("<bos>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
        padding_side="right",
        model_max_length=512,
    )


def _vocabulary(words: Iterable[str]) -> list[tuple[str, float]]:
    pieces = [(token, 0.0) for token in SPECIAL]
    pieces += [(location_token(i), 0.0) for i in range(NUM_BINS)]
    pieces += [(_SPACE, _LETTER_SCORE)]
    pieces += [(letter, _LETTER_SCORE) for letter in _LETTERS + _PUNCTUATION]
    pieces += [(_SPACE + word, _WORD_SCORE) for word in words]
    return pieces + [(f"<0x{byte:02X}>", _BYTE_SCORE) for byte in range(256)]
