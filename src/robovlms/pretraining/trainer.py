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
from robovlms.pretraining.cells import CellHeads, focus_subsampling
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.losses import Probe, answer_loss, probe_loss
from robovlms.pretraining.model import NUM_IMAGES, build
from robovlms.pretraining.network import answer_logits, spread_projection
from robovlms.pretraining.questions import ask_some
from robovlms.pretraining.settings import PretrainingConfig

_LENGTH_GROUPS = 2


class Trainer:
    """Model, probe, cell heads and optimizer of a run; ``progress`` is the share of its minutes that is spent."""

    def __init__(self, config: PretrainingConfig, tokenizer: PreTrainedTokenizerFast):
        torch.manual_seed(config.seed)
        self.config = config
        self.encoder = Encoder(tokenizer)
        self.model = build(config.model, tokenizer)
        tower = self.model.model.vision_tower
        focus_subsampling(tower)
        self.model.train()
        self.probe = Probe(NUM_IMAGES * config.model.tokens_per_image * config.model.stages[-1])
        self.cells = CellHeads(tower)
        seeing = [*tower.named_parameters(), *self.probe.named_parameters(), *self.cells.named_parameters()]
        known = {id(p) for _, p in seeing}
        telling = [(name, p) for name, p in self.model.named_parameters() if id(p) not in known]
        groups = [*_groups(seeing, config.weight_decay, "tower"), *_groups(telling, config.weight_decay, "language")]
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
        self.projector_is_fresh = True
        self.step_count = 0
        self.part_steps = {"tower": 0, "language": 0}

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
        parts = self.learning(progress)
        pairs = self.config.pairs if "language" in parts else self.config.tower_pairs
        chosen = pool[np.sort(rng.choice(self.limit(), pairs, replace=False))]
        frames = [Frame(record) for record in chosen]
        rate = self._set_rates(progress)
        losses = self._losses(frames, rng, parts)
        weights = {"answers": 1.0, "probe": self.config.probe_weight, "cells": self.config.cell_weight}
        total = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        if not bool(torch.isfinite(total.detach())):
            raise WorkFailed(f"Pre-training loss is {total.item()} at step {self.step_count}; lower the learning rate.")
        self._descend(total, parts)
        return {name: value.item() for name, value in losses.items()} | {"rate": rate}

    def learning(self, progress: float) -> tuple[str, ...]:
        """Which parts learn: first the tower, then the language model, then both."""
        if progress < self.config.tower_share:
            return ("tower",)
        if progress < self.config.tower_share + self.config.language_share:
            return ("language",)
        return ("tower", "language")

    def _losses(self, frames: list[Frame], rng: np.random.Generator, parts: tuple[str, ...]) -> dict[str, Tensor]:
        self.model.model.vision_tower.train("tower" in parts)
        pixels = pixel_values(frames, rng)
        if "language" in parts and self.part_steps["language"] == 0 and self.projector_is_fresh:
            spread_projection(self.model, pixels)
        with torch.set_grad_enabled("tower" in parts):
            features = self.model.model.vision_tower(pixels).last_hidden_state
        pairs = features.unflatten(0, (-1, NUM_IMAGES)).flatten(1, 2)
        losses = {}
        if "tower" in parts:
            losses = {"probe": probe_loss(self.probe(pairs), frames), "cells": self.cells.loss(pairs, frames)}
        if "language" not in parts:
            return losses
        blank = torch.from_numpy(rng.random(len(frames)) < self.config.blank_share)
        images = self.model.model.multi_modal_projector(pairs).masked_fill(blank[:, None, None], 0.0)
        return {"answers": self._answers(images, frames, rng), **losses}

    def _answers(self, images: Tensor, frames: list[Frame], rng: np.random.Generator) -> Tensor:
        asked = [
            Prompted(index, *question)
            for index, frame in enumerate(frames)
            for question in ask_some(frame, rng, self.config.questions)
        ]
        groups = by_length(self.encoder, asked, _LENGTH_GROUPS)
        texts = [self.encoder.texts(group) for group in groups]
        return torch.cat([answer_loss(self.encoder, *answer_logits(self.model, images, text)) for text in texts]).mean()

    def _set_rates(self, progress: float) -> float:
        """Warm-up by steps, apart for tower and language; then a cosine by time."""
        cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        peak = {"tower": self.config.tower_rate, "language": self.config.learning_rate}
        for group in self.optimizer.param_groups:
            warm = min(1.0, (self.part_steps[group["part"]] + 1) / self.config.warmup_steps)
            group["lr"] = peak[group["part"]] * warm * cosine
        return self.optimizer.param_groups[-1]["lr"]

    def _descend(self, total: Tensor, parts: tuple[str, ...]) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        for part in parts:
            # Apart, because the tower's places pull much harder than the answers do.
            mine = [p for group in self.optimizer.param_groups if group["part"] == part for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(mine, self.config.clip_norm)
            self.part_steps[part] += 1
        self.optimizer.step()
        self.step_count += 1

    def start_from(self, path: Path) -> None:
        """Take tower, probe and cell heads from another run's saved state, and its language model if its size fits."""
        state = torch.load(path, weights_only=True)
        self.probe.load_state_dict(state["probe"])
        self.cells.load_state_dict(state["cells"])
        words = state["model"]["lm_head.weight"].shape
        self.projector_is_fresh = words != self.model.lm_head.weight.shape
        taken = {k: t for k, t in state["model"].items() if "vision_tower" in k or not self.projector_is_fresh}
        self.model.load_state_dict(taken, strict=not self.projector_is_fresh)

    def save(self, path: Path, elapsed_s: float) -> None:
        """Write everything a resumed run needs, atomically."""
        fresh = path.with_suffix(".tmp")
        state = {
            "config": self.config.canonical(),
            "model": self.model.state_dict(),
            "probe": self.probe.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "cells": self.cells.state_dict(),
            "steps": [self.step_count, self.part_steps],
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
        self.probe.load_state_dict(state["probe"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.cells.load_state_dict(state["cells"])
        self.step_count, self.part_steps = state["steps"]
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
