"""Delta or absolute, base or tool frame, rotation kind: does another reading explain the motion better?"""

from dataclasses import replace

import numpy as np

from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.pose import action_of, orientation_of
from robovlms.data.doctor.readings import Readings, position_readings, rotation_readings, same_width
from robovlms.data.doctor.regression import weigh

SURE = 4.0
"""Standard errors by which another reading must explain more of the motion than the declared one beside it."""
BETTER = 0.5
"""Another representation of the state is reported when it leaves less than this share of the disagreement."""
NOTHING = 0.25
"""Agreement (cosine) below which a reading does not explain the motion."""
CLEAR = 0.6
"""Agreement from which the motion is along these axes."""


def check(data: Examined) -> list[Finding]:
    """Readings of the position and the rotation part against the recorded poses."""
    position, rotation = position_readings(data), rotation_readings(data)
    found = [_other_reading(readings) for readings in (position, rotation) if readings]
    if rotation:
        found.append(_other_state(data, rotation))
    told = [finding for finding in [*found, _other_frame(data)] if finding]
    return told or [_nothing(one) for one in (position, rotation) if one and one.motion.agreement() < NOTHING]


def _other_reading(readings: Readings) -> Finding | None:
    certain = {name: _certainty(readings, name) for name in readings.motions if name != readings.declared}
    best = max(certain, key=certain.__getitem__)
    agreement = readings.motions[best].agreement()
    if certain[best] < SURE or agreement < max(NOTHING, readings.motion.agreement()):
        return None
    seen = f"{_told(readings)}; read as {best}, by {agreement:.2f} ({certain[best]:.0f} standard errors more)"
    return _finding(seen, readings, "kind, frame or rotation of the component")


def _certainty(readings: Readings, name: str) -> float:
    weights = weigh([readings.motion.asked, readings.motions[name].asked], readings.motion.seen)
    return weights.certainty(lambda w: w[..., 1] - np.abs(w[..., 0])) if weights else 0.0


def _other_state(data: Examined, readings: Readings) -> Finding | None:
    """The same reading, where the state's orientation is read as other numbers than declared."""
    turned = orientation_of(data.observation_spec)
    assert turned is not None
    assert turned.rotation is not None
    others = {kind: rotation_readings(data, kind) for kind in same_width(turned.rotation)}
    scores = {kind: other.motion.agreement() for kind, other in others.items() if other}
    best, mine = max(scores, key=scores.__getitem__, default=None), readings.motion.agreement()
    if best is None or scores[best] < NOTHING or 1 - scores[best] > BETTER * (1 - mine):
        return None
    seen = f"{_told(readings)}; with the state's '{turned.name}' as {best}, by {scores[best]:.2f}"
    return _finding(seen, readings, f"rotation of the state component ({turned.rotation})")


def _other_frame(data: Examined) -> Finding | None:
    """Deltas said to be along the tool's axes, which no state shows, where the motion is along the base's."""
    component = action_of(data.action_spec, "delta_position")
    if component is None or component.frame != "tcp" or orientation_of(data.observation_spec):
        return None
    parts = tuple(c.model_copy(update={"frame": "base"}) if c is component else c for c in data.action_spec.components)
    readings = position_readings(replace(data, action_spec=data.action_spec.model_copy(update={"components": parts})))
    if readings is None or readings.motion.agreement() < CLEAR:
        return None
    return Finding(
        "reading",
        "warning",
        f"{_told(readings)}; the spec says the tool's axes, and the state has no orientation to tell",
        "changes along the tool's axes, and the tool's orientation in the state",
        "Correct frame of the component, unless the tool's axes are always the base's.",
    )


def _nothing(readings: Readings) -> Finding:
    remedy = "Check that actions and states belong together, their order, axes and signs."
    seen = f"{_told(readings)}, and no other reading agrees better"
    return Finding("reading", "error", seen, "agreement of about 0.8", remedy)


def _told(readings: Readings) -> str:
    agreement = readings.motion.agreement()
    return f"'{readings.component.name}' read as {readings.declared} agrees with the motion by {agreement:.2f} (cosine)"


def _finding(seen: str, readings: Readings, what: str) -> Finding:
    remedy = f"Correct {what} in the specs, or convert the data."
    return Finding("reading", "error", seen, f"{readings.declared}, as the specs say", remedy)
