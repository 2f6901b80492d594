"""From frames and questions to tensors: each image pair is encoded once and shared by its questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from robovlms.pretraining.frames import Frame
from robovlms.pretraining.locations import NUM_BINS, location_token, to_bins


@dataclass(frozen=True)
class Prompted:
    """One question about one frame of the batch."""

    frame: int
    kind: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class TextBatch:
    """Token ids after the image tokens, right-padded; ``prefix`` counts <bos>, question and newline."""

    frame: Int[Tensor, " b"]
    ids: Int[Tensor, "b s"]
    prefix: Int[Tensor, " b"]
    length: Int[Tensor, " b"]


class Encoder:
    """Turns wording into token ids, remembering what it has seen (wordings repeat, numbers do not)."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self.end = tokenizer.eos_token_id
        self.pad = tokenizer.pad_token_id
        self.first_location: int = tokenizer.get_vocab()[location_token(0)]
        self.prompt = lru_cache(maxsize=100_000)(lambda text: tuple(tokenizer(text + "\n")["input_ids"]))
        self._words = lru_cache(maxsize=10_000)(
            lambda text: tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        )

    def answer(self, text: str) -> tuple[int, ...]:
        """Ids of an answer and the end token."""
        bins = to_bins(text)
        body = tuple(self.first_location + index for index in bins) if bins else self._words(text)
        return (*body, self.end)

    def texts(self, questions: Sequence[Prompted], with_answers: bool = True) -> TextBatch:
        """Pad questions (and answers) to one batch."""
        prompts = [self.prompt(question.prompt) for question in questions]
        answers = [self.answer(question.answer) if with_answers else () for question in questions]
        rows = [(*prompt, *answer) for prompt, answer in zip(prompts, answers, strict=True)]
        ids = torch.full((len(rows), max(map(len, rows))), self.pad, dtype=torch.long)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
        return TextBatch(
            frame=torch.tensor([question.frame for question in questions]),
            ids=ids,
            prefix=torch.tensor([len(prompt) for prompt in prompts]),
            length=torch.tensor([len(row) for row in rows]),
        )

    def is_location(self, ids: Int[Tensor, "*n"]) -> Bool[Tensor, "*n"]:
        """Which ids are location tokens."""
        return (ids >= self.first_location) & (ids < self.first_location + NUM_BINS)


def by_length(encoder: Encoder, questions: Sequence[Prompted], groups: int) -> list[list[Prompted]]:
    """Split questions into groups of similar length, so that little is padded."""
    length = [len(encoder.prompt(q.prompt)) + len(encoder.answer(q.answer)) for q in questions]
    return [[questions[index] for index in part] for part in np.array_split(np.argsort(length, kind="stable"), groups)]


def pixel_values(frames: Sequence[Frame], rng: np.random.Generator | None = None) -> Float[Tensor, "f 3 h w"]:
    """Images of the frames, static and wrist in turn, scaled to [-1, 1]; with ``rng`` their colours are jittered."""
    pixels = np.stack([frame.images for frame in frames]).astype(np.float32) / 127.5 - 1.0
    if rng is not None:
        pixels = jitter(pixels, rng)
    return torch.from_numpy(pixels).flatten(0, 1).permute(0, 3, 1, 2)


def jitter(pixels: Float[np.ndarray, "f n h w 3"], rng: np.random.Generator) -> Float[np.ndarray, "f n h w 3"]:
    """Change contrast, brightness and white balance of each frame, both cameras alike, and add a little noise."""
    shape = (len(pixels), 1, 1, 1)
    gain = rng.uniform(0.8, 1.2, (*shape, 1)) * rng.uniform(0.92, 1.08, (*shape, 3))
    shift = rng.uniform(-0.2, 0.2, (*shape, 1)) + rng.uniform(-0.06, 0.06, (*shape, 3))
    noise = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(0.02)
    return np.clip(pixels * gain.astype(np.float32) + shift.astype(np.float32) + noise, -1, 1)
