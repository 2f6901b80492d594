"""The values that cross every seam: frozen, numpy only.

Axes, one legend for the whole project: ``b`` batch, ``t`` history, ``k`` chunk, ``a`` action, ``m`` slots,
``c h w`` image, ``n`` cameras, ``s`` sequence, ``d`` width, ``v`` vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True, slots=True)
class Observation:
    """What a policy sees at one control step.

    ``images`` maps camera name to uint8 RGB; it is empty when the step was not rendered. ``state`` holds the
    components of ``ObservationSpec.state`` in order, in the units stated there.
    """

    images: Mapping[str, UInt8[np.ndarray, "_ _ 3"]]
    state: Float[np.ndarray, " _"]


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one control step. ``success`` is the current task's predicate, before against after."""

    observation: Observation
    success: bool
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionChunk:
    """The next ``k`` actions a policy plans, in the units of its ``ActionSpec``; row 0 is for now."""

    actions: Float[np.ndarray, "k a"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy answers for one episode: the action to execute now and its whole plan.

    ``confidence`` is in [0, 1], or None where a policy has no estimate.
    """

    action: Float[np.ndarray, " a"]
    confidence: float | None = None
    plan: ActionChunk | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One demonstration of one instruction.

    Frame ``i`` holds the observation before action ``i``. ``clean`` is False where the executed action was
    perturbed on purpose; ``actions`` always hold the label to learn.
    """

    images: Mapping[str, UInt8[np.ndarray, "t _ _ 3"]]
    state: Float[np.ndarray, "t _"]
    actions: Float[np.ndarray, "t a"]
    instruction: str
    task: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.actions)
