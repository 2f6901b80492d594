"""Losses of pre-training: words by cross-entropy, places by soft bins, and a probe that is thrown away afterwards."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from robovlms.pretraining.batches import Encoder
from robovlms.pretraining.frames import POINTS, Frame
from robovlms.pretraining.locations import METRIC_KNEE_M, NUM_BINS
from robovlms.worlds.tabletop.geometry import DOOR_TRAVEL, DRAWER_TRAVEL, FINGER_OPEN, SWITCH_RANGE

SOFTNESS_BINS = 1.0
"""Standard deviation of a location target: a near miss costs less than a far one."""


def answer_loss(encoder: Encoder, logits: Float[Tensor, "n v"], ids: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Cross-entropy of each answer token; a location token's target is a bell over its neighbouring bins."""
    scores = logits.log_softmax(-1)
    hard = -scores.gather(1, ids[:, None])[:, 0]
    first = encoder.first_location
    bins = torch.arange(NUM_BINS, device=ids.device)
    bell = (-0.5 * ((bins - (ids[:, None] - first)) / SOFTNESS_BINS) ** 2).softmax(-1)
    soft = -(bell * scores[:, first : first + NUM_BINS]).sum(-1)
    return torch.where(encoder.is_location(ids), soft, hard)


class Probe(nn.Module):
    """Reads the scene's numbers off the tower's tokens; it teaches the tower places quickly and is never saved."""

    def __init__(self, num_features: int, hidden: int = 256):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(num_features), nn.Linear(num_features, hidden), nn.GELU(), nn.Linear(hidden, NUM_TARGETS)
        )

    def forward(self, features: Float[Tensor, "p *f"]) -> Float[Tensor, "p n"]:
        """Predicted targets of each image pair."""
        return self.layers(features.flatten(1))


def probe_targets(frame: Frame) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """What the probe should read, all near [-1, 1], and a weight for each number (0 where nothing shows)."""
    record = frame.record
    shown = record["visible"].any(axis=0)
    offsets = np.arcsinh((record["points"] - frame.position("gripper")) / METRIC_KNEE_M)
    # The gripper's own offset is always zero; its height above the table stands there instead.
    offsets[POINTS.index("gripper")] = record["points"][POINTS.index("gripper")] / METRIC_KNEE_M
    pixels = record["pixels"] / 32.0 - 1.0
    turns = 2 * np.array([*record["block_yaw"], record["yaw"]])
    fixtures = [
        record["slider"] / DOOR_TRAVEL,
        record["drawer"] / DRAWER_TRAVEL,
        record["switch"] / SWITCH_RANGE,
        float(record["bulb"]),
        float(record["led"]),
        record["opening"] / (2 * FINGER_OPEN),
        *(np.arange(3) == record["held"]),
    ]
    parts = [
        (offsets, np.repeat(shown, 3)),
        (pixels, np.repeat(record["visible"], 2)),
        (np.stack([np.sin(turns), np.cos(turns)], axis=-1), np.repeat([*shown[:3], True], 2)),
        (np.array(fixtures), np.ones(len(fixtures))),
    ]
    values = np.concatenate([part.ravel() for part, _ in parts]).astype(np.float32)
    weights = np.concatenate([weight.ravel() for _, weight in parts]).astype(np.float32)
    return np.clip(values, -3, 3), weights


NUM_TARGETS = len(POINTS) * 7 + 4 * 2 + 9


def probe_loss(predicted: Float[Tensor, "p n"], frames: list[Frame]) -> Float[Tensor, ""]:
    """Mean absolute error over the numbers that show."""
    targets, weights = (torch.from_numpy(np.stack(part)) for part in zip(*map(probe_targets, frames), strict=True))
    return (F.smooth_l1_loss(predicted, targets, beta=0.05, reduction="none") * weights).sum() / weights.sum()
