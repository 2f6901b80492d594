"""What a family writes: before everything, round an image, round an instruction; and all of it as token ids."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence as Items
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from robovlms.backbones.prompt import Text
from robovlms.core.errors import UserError

_TAG = re.compile(r"<.+>$")
"""Added tokens that look like this are special whatever the tokenizer says (KosMos-2's ``<image>``)."""


class Wording(nn.Module, ABC):
    """The part of a backbone that has to do with its tokenizer."""

    tokenizer: Any

    opening: str = ""
    """What the family writes before anything else. Where it is set, it holds the special tokens, texts hold none."""
    around_image: tuple[str, str] = ("", "")
    """The tokens the family writes before and after an image."""

    @property
    @abstractmethod
    def word_embedding(self) -> nn.Module:
        """The token embedding, scaling included."""

    @property
    @abstractmethod
    def num_words(self) -> int:
        """How many ids the model can both read and say."""

    @property
    def word_embedding_device(self) -> torch.device:
        """Where token ids must be."""
        return next(self.word_embedding.parameters()).device

    def template(self, instruction: str) -> str:
        """The family's wording round an instruction; the same for training and inference."""
        return instruction

    def tokenize(self, texts: Items[str], length: int | None = None) -> Text:
        """Token ids of instructions, right-padded, special tokens as the family expects.

        Training pads to the longest; ``length`` fixes the shape, so that acting never depends on who shares a batch.

        Raises:
            UserError: no list of sentences, or one that is empty, holds a special token, or needs more than ``length``
                tokens.
        """
        if isinstance(texts, str) or not texts:
            raise UserError(f"Instructions are a list of sentences, at least one: got {texts!r:.60}.")
        for text in texts:
            self.require_plain(text)
        written = [self.template(text) for text in texts]
        remedy = "train with a greater --model.architecture.max_text_tokens"
        return self.padded(written, not self.opening, length, remedy)

    def padded(self, written: Items[str], special_tokens: bool, length: int | None, remedy: str) -> Text:
        """Token ids of whole texts, padded on the right to the longest, or to ``length``.

        Raises:
            UserError: a text needs more than ``length`` tokens; the message offers ``remedy``.
        """
        encoded = self.tokenizer(list(written), add_special_tokens=special_tokens)["input_ids"]
        most = max(len(ids) for ids in encoded)
        if length is not None and most > length:
            longest = next(text.strip() for text, ids in zip(written, encoded, strict=True) if len(ids) == most)
            raise UserError(
                f"Instruction too long: {most} tokens, this policy takes {length}: '{longest}'. Shorten it, or "
                f"{remedy}."
            )
        filler = self.tokenizer.pad_token_id or 0  # any id: nobody sees padding, and some tokenizers have none for it
        rows = [nn.functional.pad(torch.tensor(ids), (0, (length or most) - len(ids)), value=filler) for ids in encoded]
        ids = torch.stack(rows)
        valid = torch.arange(ids.shape[1]) < torch.tensor([len(ids) for ids in encoded])[:, None]
        return Text(ids.to(self.word_embedding_device), valid.to(self.word_embedding_device))

    def require_plain(self, instruction: str) -> None:
        """Refuse an instruction that is empty or holds a special token.

        Raises:
            UserError: it is, or does.
        """
        if not instruction.strip():
            raise UserError("Empty instruction. Say what the robot shall do.")
        if found := self._special.search(instruction):
            raise UserError(
                f"The instruction '{instruction}' holds '{found[0]}', which is a special token of this VLM "
                "(images and ends of text are written so). Remove it."
            )

    def ids_of(self, words: str) -> Int[Tensor, " l"]:
        """Token ids of the family's own words; tokenized once."""
        if words not in self._known_words:
            ids = self.tokenizer(words, add_special_tokens=False)["input_ids"]
            self._known_words[words] = torch.tensor(ids, dtype=torch.long, device=self.word_embedding_device)
        return self._known_words[words].to(self.word_embedding_device)

    @property
    def ordinary_words(self) -> Int[Tensor, " v"]:
        """Ids of the vocabulary's words, ascending: none that were added to it, which are special or have a meaning.

        Rows of an embedding beyond the tokenizer's vocabulary, which only pad it, are no words.
        """
        added = {*self.tokenizer.all_special_ids, *self.tokenizer.added_tokens_decoder}
        known = min(len(self.tokenizer), self.num_words)
        return torch.tensor([i for i in range(known) if i not in added], device=self.word_embedding_device)

    @cached_property
    def _known_words(self) -> dict[str, Int[Tensor, " l"]]:
        return {}

    @cached_property
    def _special(self) -> re.Pattern[str]:
        added = [t.content for t in self.tokenizer.added_tokens_decoder.values() if t.special or _TAG.match(t.content)]
        return re.compile("|".join(re.escape(token) for token in added if token.strip()) or r"(?!)")
