"""The gripper's command against its recorded opening, and against the values its spec names."""

import numpy as np

from robovlms.actions.spec import ActionComponent
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.pose import opening_of

LAGS = range(6)
SURE = 0.3
"""Correlation from which on the sign is certain; an object in the fingers keeps it below 1."""


def check(data: Examined) -> list[Finding]:
    """Sign and values of the binary gripper component, where there is one."""
    gripper = data.action_spec.gripper
    if gripper is None or gripper.gripper_open is None or gripper.gripper_closed is None:
        return []
    return _values(data, gripper) + _sign(data, gripper)


def _values(data: Examined, gripper: ActionComponent) -> list[Finding]:
    at, named = data.action_spec.slice_of(gripper.name), np.array([gripper.gripper_closed, gripper.gripper_open], float)
    for one in data.recordings:
        commands = one.actions[:, at][:, 0]
        other = ~np.isclose(commands[:, None], named, atol=1e-3).any(axis=1)
        if other.any():
            row = int(other.argmax())
            seen = f"'{gripper.name}' is {commands[row]:.3g}"
            remedy = "Correct gripper_closed and gripper_open in the specs, or convert the commands."
            return [Finding("gripper", "error", seen, f"{named[0]:g} or {named[1]:g}", remedy, one.index, row)]
    return []


def _sign(data: Examined, gripper: ActionComponent) -> list[Finding]:
    opening = opening_of(data.observation_spec)
    if opening is None:
        return []
    columns, at = data.observation_spec.columns([opening.name]), data.action_spec.slice_of(gripper.name)
    towards = np.sign((gripper.gripper_open or 0.0) - (gripper.gripper_closed or 0.0))
    pairs = [(towards * o.actions[:, at][:, 0], np.abs(o.state[:, columns]).sum(1)) for o in data.recordings]
    found = [_correlation([(c[: len(c) - lag], w[lag:]) for c, w in pairs if len(c) > lag]) for lag in LAGS]
    best = max(found, key=abs)
    if best > -SURE:
        return []
    seen = f"'{opening.name}' shrinks when '{gripper.name}' commands to open (correlation {best:.2f})"
    remedy = "Exchange gripper_closed and gripper_open in the specs, or change the sign of the commands."
    return [Finding("gripper", "error", seen, "it grows: a positive correlation", remedy)]


def _correlation(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    command, width = (np.concatenate([np.zeros(0), *side]) for side in zip(*pairs, strict=True)) if pairs else ([], [])
    if len(command) < 20 or np.std(command) == 0 or np.std(width) == 0:
        return 0.0
    return float(np.corrcoef(command, width)[0, 1])
