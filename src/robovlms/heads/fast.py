"""FAST tokens: a chunk as the joined coefficients of its cosine transform, and an end (arXiv 2501.09747).

A training run fits the tokenizer to its chunks, and checkpoints keep it. Until then it is that of smooth random chunks.

Non-obvious: a token may stand for numbers of several actions, so all actions of a chunk have one confidence, the
geometric mean likelihood of its tokens. A chunk that an episode's end cuts short repeats its last valid action, since a
transform needs all of it.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from robovlms.actions.fast import FastTokenizer, smooth_chunks
from robovlms.actions.spec import ActionSpec
from robovlms.core.errors import CorruptData
from robovlms.heads.answers import Answers, TokenHead, TokenHeadConfig, completed
from robovlms.heads.head import Prediction

FILE = "fast_tokenizer.json"
"""What a checkpoint keeps of this head."""


class FastConfig(TokenHeadConfig):
    """Coefficients are rounded to multiples of ``1 / scale``; ``vocabulary`` tokens and one more for the end."""

    kind: Literal["fast"] = "fast"
    scale: float = Field(10.0, gt=0)
    vocabulary: int = Field(255, ge=2)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, state_width: int = 0) -> "FastHead":
        """The head; it has no parameters."""
        return FastHead(self, action_spec, chunk)


class FastHead(TokenHead):
    """Answers of different lengths, at most a token for each number of the chunk."""

    size_setting = "head.vocabulary"

    def __init__(self, config: FastConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(config, action_spec, chunk)
        self.scale, self.end = config.scale, config.vocabulary
        self.num_classes, self.num_tokens = config.vocabulary + 1, chunk * action_spec.dims + 1
        self.tokenizer = FastTokenizer.fit(smooth_chunks(chunk, action_spec.dims), self.scale, self.end)

    @override
    def fit(self, chunks: Float[Tensor, "n k a"], mask: Bool[Tensor, "n k"]) -> None:
        known = mask.any(dim=-1)
        values = self.signed(completed(chunks[known], mask[known]))
        self.tokenizer = FastTokenizer.fit(values.cpu().double().numpy(), self.scale, self.end)

    @override
    def save(self, directory: Path) -> None:
        self.tokenizer.save(directory / FILE)

    @override
    def load(self, directory: Path) -> None:
        found = FastTokenizer.load(directory / FILE)
        ours, theirs = ((one.chunk, one.dims, one.scale) for one in (self.tokenizer, found))
        if ours != theirs:
            raise CorruptData(f"{directory / FILE}: got chunk, dims, scale {theirs}, expected {ours}.")
        self.tokenizer = found

    @override
    def answers(self, actions: Float[Tensor, "*n k a"], mask: Bool[Tensor, "*n k"]) -> Answers:
        chunks = self.signed(completed(actions, mask)).flatten(0, -3).cpu().double().numpy()
        ids = np.full((len(chunks), self.num_tokens), self.end)
        for row, said in zip(ids, self.tokenizer.encode(chunks), strict=True):
            row[: len(said)] = said
        classes = torch.from_numpy(ids).to(actions.device).view(*mask.shape[:-1], -1)
        behind = (classes == self.end).cumsum(dim=-1) > 1
        return Answers(classes, ~behind & mask.any(dim=-1, keepdim=True))

    @override
    def meant(self, classes: Int[Tensor, "b l"], log_likelihood: Float[Tensor, "b l"]) -> Prediction:
        ends = (classes == self.end).cumsum(dim=-1)
        said = [row[~over].tolist() for row, over in zip(classes, ends > 0, strict=True)]
        values = torch.from_numpy(self.tokenizer.decode(said)).to(log_likelihood)
        counts = (ends == 0) | ((ends == 1) & (classes == self.end))
        sure = (log_likelihood.where(counts, 0.0).sum(dim=-1) / counts.sum(dim=-1)).exp()
        return Prediction(self.unsigned(values), sure[:, None].expand(-1, self.chunk))

    @override
    def over(self, classes: Int[Tensor, "b l"]) -> bool:
        return super().over(classes) or bool((classes == self.end).any(dim=-1).all())
