"""Numbers that are not finite or outside the range their spec names, and specs that say nothing."""

import numpy as np

from robovlms.actions.check import require_valid
from robovlms.core.errors import CorruptData
from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding

SLACK = 0.05
"""Share by which rates may differ: times are rounded."""


def check(data: Examined) -> list[Finding]:
    """Actions and state of every episode, and the specs themselves."""
    return _described(data) + _rates(data) + _actions(data) + _state(data)


def _described(data: Examined) -> list[Finding]:
    if any(component.kind != "other" for component in data.action_spec.components):
        return []
    remedy = "Say what they mean (convention or action_spec): nothing about them can be verified."
    return [Finding("values", "warning", "the specs do not say what actions mean", "kinds and units", remedy)]


def _rates(data: Examined) -> list[Finding]:
    actions, observations = data.action_spec.rate_hz, data.observation_spec.rate_hz
    rates = {"the spec of the observations": observations, "the recorded times": data.measured_rate_hz}
    different = {name: rate for name, rate in rates.items() if rate and not np.isclose(rate, actions, rtol=SLACK)}
    remedy = "Correct the rate in the specs, or convert the data."
    return [
        Finding("values", "error", f"{name}: {rate:.4g} Hz", f"{actions:g} Hz, as the spec of the actions says", remedy)
        for name, rate in different.items()
    ]


def _actions(data: Examined) -> list[Finding]:
    for one in data.recordings:
        try:
            require_valid(data.action_spec, one.actions, "the actions")
        except CorruptData as error:
            remedy = "Correct the data or the ActionSpec."
            return [Finding("values", "error", str(error), "numbers that fit the spec", remedy, one.index)]
    return []


def _state(data: Examined) -> list[Finding]:
    for one in data.recordings:
        bad = np.argwhere(~np.isfinite(one.state))
        if len(bad):
            row, column = bad[0].tolist()
            seen = f"state dimension {column} is {one.state[row, column]}"
            remedy = "Leave this episode out, or cut the row."
            return [Finding("values", "error", seen, "a finite number", remedy, one.index, row)]
    return []
