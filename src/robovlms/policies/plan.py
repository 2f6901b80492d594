"""A plan as a policy keeps it: the actions to play, and how sure the policy is of each."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from robovlms.core.types import ActionChunk
from robovlms.heads.confidence import agreement


@dataclass(frozen=True)
class Plan:
    """What was planned at control step ``step``.

    ``confidence`` is in [0, 1] for each action, or None where nothing could be compared.
    """

    step: int
    chunk: ActionChunk
    normalized: Float[np.ndarray, "k a"]
    confidence: Float[np.ndarray, " k"] | None

    def confidence_at(self, step: int) -> float | None:
        """How sure the policy is of the action for this control step; after the last one, of that."""
        if self.confidence is None:
            return None
        return float(self.confidence[min(max(step - self.step, 0), len(self.confidence) - 1)])


def overlap_confidence(plan: Float[np.ndarray, "k a"], step: int, last: Plan | None) -> Float[np.ndarray, " k"] | None:
    """Agreement with the plan before, over the actions that both hold; None where they have none in common."""
    ahead = None if last is None else last.normalized[step - last.step :]
    if ahead is None or not len(ahead):
        return None
    difference = torch.from_numpy(plan[: len(ahead)] - ahead[: len(plan)])
    return np.full(len(plan), agreement(difference).mean().item(), np.float32)
