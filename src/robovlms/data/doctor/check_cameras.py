"""Swapped cameras: the picture of one on the wrist changes everywhere when the tool moves, a static one's does not."""

import numpy as np

from robovlms.data.doctor.examined import Examined, Recording
from robovlms.data.doctor.finding import Finding

ON_THE_TOOL = ("wrist", "hand", "gripper", "tcp", "eye_in")
LEVEL = 6
"""Grey levels by which a pixel changes from one step to the next, noise aside."""
CLEAR = 1.5
"""How many times as many pixels must change for the order of two cameras to be certain."""


def check(data: Examined) -> list[Finding]:
    """Cameras named after the tool against the others, and cameras that show the same."""
    names = data.observation_spec.camera_names
    wrist = [name for name in names if any(word in name.lower() for word in ON_THE_TOOL)]
    looked = [one for one in data.recordings if one.glances and len(one.state) > 1]
    found = _copies(looked, names)
    others = [name for name in names if name not in wrist]
    for moving, static in [(a, b) for a in wrist for b in others]:
        found += _swapped(looked, moving, static)
    return found


def _swapped(looked: list[Recording], moving: str, static: str) -> list[Finding]:
    pairs = [(_changes(one, moving), _changes(one, static)) for one in looked]
    wrong = [one.index for one, (tool, base) in zip(looked, pairs, strict=True) if base > CLEAR * tool]
    if not wrong or len(wrong) < max(2, 0.05 * len(looked)):
        return []
    shares = np.mean(pairs, axis=0)
    seen = (
        f"'{static}' changes more than '{moving}' in {len(wrong)} of {len(looked)} episodes "
        f"(pixels that change a step: {shares[1]:.0%} and {shares[0]:.0%} on average)"
    )
    remedy = "The two are exchanged, or named wrongly: exchange them in these episodes."
    return [Finding("cameras", "error", seen, f"'{moving}' moves with the tool", remedy, wrong[0])]


def _changes(one: Recording, camera: str) -> float:
    """Mean share of pixels that change in a step."""
    small = one.glances[camera].small.astype(int)
    return float((np.abs(np.diff(small, axis=0)) > LEVEL).mean())


def _copies(looked: list[Recording], names: tuple[str, ...]) -> list[Finding]:
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return [
        Finding(
            "cameras",
            "error",
            f"cameras '{a}' and '{b}' show the same images",
            "one view a camera",
            "Leave one out (--cameras), or record again.",
        )
        for a, b in pairs
        if looked and all((one.glances[a].content == one.glances[b].content).all() for one in looked)
    ]
