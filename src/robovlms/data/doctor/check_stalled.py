"""A state that stands still, to the last bit, while actions ask for motion: a driver that hung."""

import numpy as np
from jaxtyping import Bool

from robovlms.data.doctor.examined import Examined, Recording
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.pose import action_of, orientation_of, position_of

RUN = 4


def check(data: Examined) -> list[Finding]:
    """Runs of equal poses (the whole state where no pose is known) while the actions ask for more than a little."""
    for one in data.recordings:
        stalled = _asks(data, one) & _still(data, one)
        begins = [i for i in range(len(stalled) - RUN + 1) if stalled[i : i + RUN].all()]
        if begins:
            seen = f"the recorded pose is the same for {RUN} steps and more while actions ask for motion"
            remedy = "Leave this episode out, or cut these rows: the robot's state was not recorded there."
            return [Finding("stalled", "error", seen, "a pose that changes", remedy, one.index, begins[0])]
    return []


def _still(data: Examined, one: Recording) -> Bool[np.ndarray, " _"]:
    parts = [c.name for c in (position_of(data.observation_spec), orientation_of(data.observation_spec)) if c]
    state = one.state[:, data.observation_spec.columns(parts)] if parts else one.state
    return (np.diff(state, axis=0) == 0).all(axis=1) if state.shape[1] else np.zeros(len(state) - 1, bool)


def _asks(data: Examined, one: Recording) -> Bool[np.ndarray, " _"]:
    """Steps whose action asks for a clear motion: a delta of a fifth of the largest, or a goal that changes."""
    delta = action_of(data.action_spec, "delta_position", "delta_joint")
    if delta is None:
        return (np.diff(one.actions, axis=0) != 0).any(axis=1)
    size = np.linalg.norm(one.actions[:, data.action_spec.slice_of(delta.name)], axis=1)
    return (size > 0.2 * size.max(initial=0))[:-1]
