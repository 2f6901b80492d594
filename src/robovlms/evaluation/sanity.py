"""What a world must never answer; a simulator that does has broken down, whatever the policy did before."""

import numpy as np

from robovlms.core.types import Observation, Step


class BrokenWorld(RuntimeError):
    """A simulator whose answers mean nothing any more."""


def sound(observation: Observation) -> Observation:
    """The same observation; raises ``BrokenWorld`` unless its state is finite."""
    state = np.asarray(observation.state)
    if not np.isfinite(state).all():
        raise BrokenWorld(f"The world's state is not finite: {np.array2string(state, precision=4, threshold=40)}.")
    return observation


def sound_step(step: Step) -> Step:
    """The same step; raises ``BrokenWorld`` unless success is true or false, and the observation sound."""
    if not isinstance(step.success, bool | np.bool_):
        raise BrokenWorld(f"The world says {step.success!r} of success, expected True or False.")
    sound(step.observation)
    return step
