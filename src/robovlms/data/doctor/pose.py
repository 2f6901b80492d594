"""Where a state holds the tool's pose and the gripper's opening, and how well actions explain recorded motion.

Of the state, the first three numbers in metres that belong together are the tool's position, the first component with
a rotation representation its orientation, and a component of at most two numbers called "grip..." the opening, unless
it is a command.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from robovlms.actions.spec import ActionComponent, ActionSpec, ObservationSpec, StateComponent

Vectors = Float[np.ndarray, "_ 3"]


def position_of(spec: ObservationSpec) -> StateComponent | None:
    """The state component that holds the tool's position."""
    return next((c for c in spec.state if c.dims == 3 and c.unit == "m" and c.frame != "joint"), None)


def orientation_of(spec: ObservationSpec) -> StateComponent | None:
    """The state component that holds the tool's orientation."""
    return next((c for c in spec.state if c.rotation), None)


def opening_of(spec: ObservationSpec) -> StateComponent | None:
    """The state component that holds the gripper's opening, or its two fingers' places."""
    grippers = [c for c in spec.state if "grip" in c.name.lower() and c.dims <= 2]
    return next((c for c in grippers if not any(word in c.name.lower() for word in ("action", "command"))), None)


def action_of(spec: ActionSpec, *kinds: str) -> ActionComponent | None:
    """The first action component of one of these kinds."""
    return next((c for c in spec.components if c.kind in kinds), None)


@dataclass(frozen=True, slots=True)
class Motion:
    """What actions ask for and what was seen, over the same control steps; one array an episode."""

    asked: Sequence[Vectors]
    seen: Sequence[Vectors]

    def over(self, steps: int) -> tuple[Vectors, Vectors]:
        """Integrated over every stretch of ``steps`` control steps; episodes are never joined."""
        return _stretches(self.asked, steps), _stretches(self.seen, steps)

    def agreement(self, steps: int = 3) -> float:
        """Cosine of all that is asked and all that is seen: 1 when one is a multiple of the other."""
        asked, seen = self.over(steps)
        size = np.sqrt((asked**2).sum() * (seen**2).sum())
        return float((asked * seen).sum() / size) if size > 0 else 0.0

    def gain(self, steps: int = 3) -> float:
        """Median ratio of the distance seen to the one asked for, over the half of all stretches that ask for most."""
        asked, seen = (np.linalg.norm(part, axis=1) for part in self.over(steps))
        much = asked >= np.median(asked)
        return float(np.median(seen[much] / np.maximum(asked[much], 1e-12)))


def _stretches(parts: Sequence[Vectors], steps: int) -> Vectors:
    sums: list[np.ndarray] = [np.cumsum(np.vstack([np.zeros((1, 3)), part]), axis=0) for part in parts]
    return np.concatenate([np.zeros((0, 3)), *(s[steps:] - s[:-steps] for s in sums if len(s) > steps)])
