"""What a pre-training run is: everything that decides its result, but the clock."""

from robovlms.core.config import Config
from robovlms.pretraining.model import TinyVLMConfig


class PretrainingConfig(Config):
    """Settings of one run. With these and a seed a run is repeatable up to how many steps its minutes allow."""

    model: TinyVLMConfig = TinyVLMConfig()
    seed: int = 0
    minutes: float = 75.0
    scenes: str = "ABC"
    num_frames: int = 36_000
    first_frames: int = 2_000
    frames_per_step: int = 12
    """The pool grows while training runs: step i draws from the first ``first_frames + i * frames_per_step``."""
    questions: int = 64
    """Questions a step, the same number about each of its pairs."""
    pairs: int = 16
    """Image pairs a step while both parts learn."""
    blank_share: float = 0.03
    """Share of pairs whose image tokens are zero: they teach what words alone tell, the text-only baseline."""
    tower_share: float = 0.4
    """First share of the minutes: the tower alone learns places (probe, cells, and the reader: see trainer.py)."""
    language_share: float = 0.3
    """Next share: the language model learns to read the tower, which stands still. In the rest both learn."""
    words_share: float = 0.08
    """Share of the minutes, where the language model begins, with one-word answers only: short, quickly learned."""
    tower_pairs: int = 32
    language_pairs: int = 32
    tower_rate: float = 2e-3
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warmup_steps: int = 200
    clip_norm: float = 1.0
    probe_weight: float = 2.0
    reader_weight: float = 1.0
    cell_weight: float = 0.6

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each loss."""
        teachers = {"probe": self.probe_weight, "reader": self.reader_weight, "cells": self.cell_weight}
        return {"answers": 1.0, **teachers}
