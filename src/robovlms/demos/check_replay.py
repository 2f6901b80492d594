"""A check of the doctor's that needs a simulator: do recorded actions lead to the recorded states again?"""

import numpy as np

from robovlms.core.errors import MissingExtra, UnknownName, UserError
from robovlms.core.types import Episode
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.kept import spread
from robovlms.data.source import EpisodeSource
from robovlms.demos.replay import replay

MOST = 20
"""Episodes that are played again, spread evenly."""
TOLERANCE = 1e-3
"""By how much a number of the state (m, rad) may differ: another processor computes other last bits."""


def check(source: EpisodeSource, most: int = MOST, world_python: str | None = None) -> tuple[list[Finding], int]:
    """A finding where episodes go another way than recorded; and how many could be played.

    ``world_python`` is the interpreter that has Meta-World; ours when None.

    Raises:
        MissingExtra: Their simulator is not installed.
        UnknownName: They are from a world that is not here.
    """
    played, differing = 0, list[tuple[int, str, int | None]]()
    for index in spread(len(source), most):
        compared = _compare(source.read(index, ()), world_python)
        played += compared is not None
        if compared and compared[0]:
            differing.append((index, *compared))
    if not differing:
        return [], played
    index, seen, row = differing[0]
    finding = Finding(
        "replay",
        "error",
        f"{seen}; {len(differing)} of {played} episodes go another way when they are played again",
        f"the recorded states to {TOLERANCE:g}, and a success at the end",
        "Check rows, units and signs of actions and state; or collect again with this version of the simulator.",
        index,
        row,
    )
    return [finding], played


def _compare(episode: Episode, world_python: str | None) -> tuple[str, int | None] | None:
    """What is different and from which row on, or nothing ("", None); None where the episode cannot be played."""
    try:
        again = replay(episode, world_python)
    except (MissingExtra, UnknownName):
        raise
    except UserError as error:
        return f"it cannot be played: {error}", None
    if again is None:
        return None
    if again.state.shape != episode.state.shape:
        return f"states of shape {episode.state.shape}, where the world has {again.state.shape}", None
    off = np.abs(again.state - episode.state).max(axis=1)
    wrong = np.flatnonzero(~(off <= TOLERANCE))
    if len(wrong):
        return f"the state is off by {off[wrong[0]]:.3g}", int(wrong[0])
    return ("" if again.success else "the task does not succeed with the last action"), None
