"""InstructBLIP (arXiv 2305.06500): BLIP-2 whose querying transformer reads the instruction, too.

Image tokens depend on the text, so frames cannot be encoded before the instruction is known. The querying transformer
has a tokenizer of its own, in a folder of the checkpoint; its words are the prompt's without special tokens.
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoTokenizer
from typing_extensions import override

from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.backbones.prompt import Text
from robovlms.backbones.splice import SpliceBackbone
from robovlms.backbones.t5 import T5Backbone
from robovlms.core.errors import UserError

QFORMER_TOKENIZER = "qformer_tokenizer"


class _InstructBlip(PretrainedBackbone):
    """What both language models share."""

    model_types = ("instructblip",)
    sees_by_text = True
    qformer_tokenizer: Any

    @classmethod
    @override
    def from_pretrained(cls, directory: str | Path, pretrained: bool = True) -> "_InstructBlip":
        backbone = super().from_pretrained(directory, pretrained)
        assert isinstance(backbone, _InstructBlip)
        backbone.qformer_tokenizer = _load_tokenizer(directory, backbone.model.config.qformer_config.vocab_size)
        return backbone

    @property
    @override
    def projector(self) -> nn.Module:
        return nn.ModuleList([self.model.qformer, self.model.language_projection])

    @override
    def text_inputs(self, text: Text | None) -> dict[str, Tensor]:
        assert text is not None, "this family sees by text"
        encoded = self.qformer_tokenizer(self._words(text), padding=True, padding_side="right", return_tensors="pt")
        got, most = encoded["input_ids"].shape[1], self.model.config.qformer_config.max_position_embeddings
        if got > most:
            raise UserError(
                f"An instruction of {got} tokens; the querying transformer has {most} positions. Shorten it."
            )
        named = {"qformer_input_ids": encoded["input_ids"], "qformer_attention_mask": encoded["attention_mask"]}
        return {name: value.to(self.word_embedding_device) for name, value in named.items()}

    def _words(self, text: Text) -> list[str]:
        rows, plain = zip(text.ids.cpu(), text.valid.cpu(), strict=True), {"clean_up_tokenization_spaces": False}
        return [self.tokenizer.decode(ids[valid], skip_special_tokens=True, **plain) for ids, valid in rows]

    @override
    def save(self, directory: Path) -> None:
        super().save(directory)
        self.qformer_tokenizer.save_pretrained(directory / QFORMER_TOKENIZER)


class InstructBlipVicunaBackbone(_InstructBlip, SpliceBackbone):
    """InstructBLIP with Vicuna (a LLaMA), or another decoder."""

    @classmethod
    @override
    def serves(cls, config: Any) -> bool:
        return super().serves(config) and config.use_decoder_only_language_model


class InstructBlipT5Backbone(_InstructBlip, T5Backbone):
    """InstructBLIP with T5."""

    @classmethod
    @override
    def serves(cls, config: Any) -> bool:
        return super().serves(config) and not config.use_decoder_only_language_model


def _load_tokenizer(directory: str | Path, num_words: int) -> Any:
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(directory, subfolder=QFORMER_TOKENIZER)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(
            f"{directory} has no tokenizer of its querying transformer in the folder '{QFORMER_TOKENIZER}', which "
            f"InstructBLIP needs beside its own. Copy it from the checkpoint you started from. {error}"
        ) from None
    if len(tokenizer) > num_words:
        raise UserError(
            f"The tokenizer in '{QFORMER_TOKENIZER}' of {directory} has {len(tokenizer)} words, the querying "
            f"transformer knows {num_words}: they are not of one checkpoint. Copy the folder from it again."
        )
    return tokenizer
