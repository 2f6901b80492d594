"""Ask a tiny VLM questions about frames and read its answers."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoTokenizer

from robovlms.core.errors import UserError
from robovlms.pretraining.batches import Encoder, Prompted, pixel_values
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.network import encode_images, greedy

_MOST_TOKENS = 28
_ROWS = 64


class Answerer:
    """A saved tiny VLM, loaded the ordinary way.

    Raises:
        UserError: the directory holds no such model.
    """

    def __init__(self, directory: Path):
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(directory)
            self.model = AutoModelForImageTextToText.from_pretrained(directory, dtype=torch.float32).eval()
        except (OSError, ValueError) as problem:
            raise UserError(f"{directory} holds no vision-language model: {problem}") from None
        self.encoder = Encoder(tokenizer)

    def look(self, frames: Sequence[Frame]) -> torch.Tensor:
        """Image tokens of frames, (frames, tokens, width)."""
        with torch.inference_mode():
            parts = [
                encode_images(self.model, pixel_values(frames[start : start + _ROWS]))
                for start in range(0, len(frames), _ROWS)
            ]
        return torch.cat(parts)

    def answer(self, images: torch.Tensor, questions: Sequence[Prompted]) -> list[str]:
        """Greedy answers, in the order of the questions."""
        by_length = defaultdict(list)
        for index, question in enumerate(questions):
            by_length[len(self.encoder.prompt(question.prompt))].append(index)
        answers = [""] * len(questions)
        for indices in by_length.values():
            for start in range(0, len(indices), _ROWS):
                part = indices[start : start + _ROWS]
                for index, text in zip(part, self._batch(images, [questions[i] for i in part]), strict=True):
                    answers[index] = text
        return answers

    def _batch(self, images: torch.Tensor, questions: list[Prompted]) -> list[str]:
        texts = self.encoder.texts(questions, with_answers=False)
        ids = greedy(self.model, images, texts, _MOST_TOKENS, self.encoder.end)
        return [self._read(row.tolist()) for row in ids]

    def _read(self, ids: list[int]) -> str:
        body = ids[: ids.index(self.encoder.end)] if self.encoder.end in ids else ids
        return str(self.encoder.tokenizer.decode(body, skip_special_tokens=True)).strip()

    def answer_blind(self, questions: Sequence[Prompted]) -> list[str]:
        """Answers with image tokens of zeros, which training showed the model too: what words alone tell."""
        width = self.model.config.get_text_config().hidden_size
        distinct = {question.prompt: question for question in questions}
        asked = [Prompted(0, q.kind, q.prompt, "") for q in distinct.values()]
        nothing = torch.zeros(1, self.tokens_per_pair, width)
        known = dict(zip(distinct, self.answer(nothing, asked), strict=True))
        return [known[question.prompt] for question in questions]

    @property
    def tokens_per_pair(self) -> int:
        """Image tokens of one prompt."""
        side = self.model.config.vision_config.image_size
        with torch.inference_mode():
            return encode_images(self.model, torch.zeros(2, 3, side, side)).shape[1]
