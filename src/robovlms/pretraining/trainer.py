"""One pre-training step, and the state that survives an interruption."""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from robovlms.core.errors import UserError, WorkFailed
from robovlms.pretraining.batches import Encoder, Prompted, by_length, pixel_values
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.losses import answer_loss
from robovlms.pretraining.model import NUM_IMAGES, build
from robovlms.pretraining.network import answer_logits, connect, paired, spread_projection
from robovlms.pretraining.questions import ask_some
from robovlms.pretraining.settings import PretrainingConfig
from robovlms.pretraining.still import StillTower
from robovlms.pretraining.teachers import Teachers

_LENGTH_GROUPS = 2


class Trainer:
    """Model, its teachers and optimizer of a run; ``progress`` is the share of its minutes that is spent."""

    def __init__(self, config: PretrainingConfig, tokenizer: PreTrainedTokenizerFast):
        torch.manual_seed(config.seed)
        self.config = config
        self.encoder = Encoder(tokenizer)
        self.model = build(config.model, tokenizer)
        self.tower = self.model.model.vision_tower
        self.model.train()
        self.teachers = Teachers(self.model, config.model)
        parts = (self.tower, self.teachers.probe, self.teachers.cells)
        seeing = [named for part in parts for named in part.named_parameters()]
        known = {id(p) for _, p in seeing}
        both = (self.model, self.teachers)
        telling = [(name, p) for part in both for name, p in part.named_parameters() if id(p) not in known]
        groups = [*_groups(seeing, config.weight_decay, "tower"), *_groups(telling, config.weight_decay, "language")]
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
        self.still = StillTower(self.tower, config.num_frames)
        self.step_count = 0

    def limit(self) -> int:
        """How many frames of the pool the next step draws from."""
        grown = self.config.first_frames + self.step_count * self.config.frames_per_step
        return min(grown, self.config.num_frames)

    def step(self, pool: np.ndarray, progress: float) -> dict[str, float]:
        """Draw frames and questions, and take one step.

        Raises:
            WorkFailed: the loss is not finite.
        """
        rng = np.random.default_rng((self.config.seed, 1, self.step_count))
        stage = self.stage(progress)
        pairs = {"tower": self.config.tower_pairs, "both": self.config.pairs}.get(stage, self.config.language_pairs)
        chosen = np.sort(rng.choice(self.limit(), pairs, replace=False))
        rate = self._set_rates(progress)
        losses = self._losses(pool, chosen, rng, stage)
        total = torch.stack([self.config.weights[name] * value for name, value in losses.items()]).sum()
        if not bool(torch.isfinite(total.detach())):
            raise WorkFailed(f"Pre-training loss is {total.item()} at step {self.step_count}; lower the learning rate.")
        self._descend(total)
        return {name: value.item() for name, value in losses.items()} | {"rate": rate}

    def stage(self, progress: float) -> str:
        """What learns: the tower; the language model, at first one-word answers, then all; or both."""
        start = self.config.tower_share
        if progress < start:
            return "tower"
        if progress < start + self.config.language_share:
            return "words" if progress < start + self.config.words_share else "language"
        return "both"

    def _losses(self, pool: np.ndarray, chosen: np.ndarray, rng: np.random.Generator, stage: str) -> dict[str, Tensor]:
        frames = [Frame(record) for record in pool[chosen]]
        losses: dict[str, Tensor] = {}
        self.tower.train(stage in ("tower", "both"))
        if self.tower.training:
            features = paired(self.tower(pixel_values(frames, rng)).last_hidden_state)
            losses = self.teachers.seeing(features, frames)
        else:
            features = self.still(chosen, frames)
        if self.step_count == 0:
            spread_projection(self.model, features.detach().unflatten(1, (NUM_IMAGES, -1)).flatten(0, 1))
        images = connect(self.model, features)
        losses |= self.teachers.reading(self.model, images, frames)
        if stage != "tower":
            blank = torch.from_numpy(rng.random(len(frames)) < self.config.blank_share)
            losses["answers"] = self._answers(images.masked_fill(blank[:, None, None], 0.0), frames, rng, stage)
        return losses

    def _answers(self, images: Tensor, frames: list[Frame], rng: np.random.Generator, stage: str) -> Tensor:
        each = max(1, self.config.questions // len(frames))
        asked = [
            Prompted(index, *question)
            for index, frame in enumerate(frames)
            for question in ask_some(frame, rng, each, one_word=stage == "words")
        ]
        groups = by_length(self.encoder, asked, _LENGTH_GROUPS)
        texts = [self.encoder.texts(group) for group in groups]
        return torch.cat([answer_loss(self.encoder, *answer_logits(self.model, images, text)) for text in texts]).mean()

    def _set_rates(self, progress: float) -> float:
        """Warm-up by steps, then a cosine by time."""
        warm = min(1.0, (self.step_count + 1) / self.config.warmup_steps)
        cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        peak = {"tower": self.config.tower_rate, "language": self.config.learning_rate}
        for group in self.optimizer.param_groups:
            group["lr"] = peak[group["part"]] * warm * cosine
        return self.optimizer.param_groups[-1]["lr"]

    def _descend(self, total: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        for part in ("tower", "language"):
            # Apart, because the tower's places pull much harder than the answers do. A still part has no gradients.
            mine = [p for group in self.optimizer.param_groups if group["part"] == part for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(mine, self.config.clip_norm)
        self.optimizer.step()
        self.step_count += 1

    def save(self, path: Path, elapsed_s: float) -> None:
        """Write everything a resumed run needs, atomically."""
        fresh = path.with_suffix(".tmp")
        state = {
            "config": self.config.canonical(),
            "model": self.model.state_dict(),
            "teachers": self.teachers.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step_count,
            "elapsed_s": elapsed_s,
        }
        torch.save(state, fresh)
        fresh.replace(path)

    def load(self, path: Path) -> float:
        """Continue from a saved state; returns the seconds already spent.

        Raises:
            UserError: the state belongs to a run with other settings than its minutes.
        """
        state = torch.load(path, weights_only=True)
        _check_same(json.loads(state["config"]), json.loads(self.config.canonical()), path)
        self.model.load_state_dict(state["model"])
        self.teachers.load_state_dict(state["teachers"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step_count = state["step"]
        return float(state["elapsed_s"])


def _check_same(saved: dict, asked: dict, path: Path) -> None:
    different = sorted(name for name in asked if name != "minutes" and saved.get(name) != asked[name])
    if different:
        values = "; ".join(f"{name} is {saved.get(name)}, asked for {asked[name]}" for name in different)
        raise UserError(
            f"{path} is of a run with other settings: {values}. Repeat its settings, or give another --out."
        )


def _groups(named: list[tuple[str, torch.nn.Parameter]], decay: float, part: str) -> list[dict]:
    """Matrices decay; norms, biases and the word embedding do not (untaught words would fade to zero)."""
    matrices = [p for name, p in named if p.ndim > 1 and "embed_tokens" not in name and "attention_bias" not in name]
    kept = {id(p) for p in matrices}
    others = [p for _, p in named if id(p) not in kept]
    return [
        {"params": matrices, "weight_decay": decay, "part": part},
        {"params": others, "weight_decay": 0.0, "part": part},
    ]
