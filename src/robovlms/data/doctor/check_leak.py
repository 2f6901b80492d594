"""An episode that stands twice, once for training and once for validation."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np

from robovlms.data.doctor.examined import Examined, Recording
from robovlms.data.doctor.finding import Finding

SHARE = 0.5
"""Share of an episode's rows that another has too, from which on they are taken for the same recording."""
LEAST_ROWS = 3


def check(data: Examined) -> list[Finding]:
    """Rows of numbers (state and action) that episodes of different sources have in common.

    Episodes of one source may overlap, as CALVIN's spans do: a split keeps them together.
    """
    pairs = _twins(data.recordings, data.recordings)
    twins = [(one, other) for one, other in pairs if one.source != other.source]
    leaks = [(one, other) for one, other in twins if one.held_out and not other.held_out]
    if leaks:
        held, seen_in = leaks[0]
        seen = f"episode {held.index}, held out for validation, stands in the training episode {seen_in.index} too"
        return [_finding("error", f"{seen} ({len({one.index for one, _ in leaks})} such)", held.index)]
    if twins:
        one, other = twins[0]
        return [_finding("warning", f"episodes {one.index} and {other.index} are the same recording", one.index)]
    return []


def between(training: Examined, validation: Examined) -> list[Finding]:
    """Episodes of a validation set that stand in the training set too."""
    twins = _twins(validation.recordings, training.recordings)
    if not twins:
        return []
    one, other = twins[0]
    seen = f"episode {one.index} of the validation data is the training episode {other.index}"
    return [_finding("error", f"{seen} ({len({held.index for held, _ in twins})} such)", other.index)]


def _finding(severity: Literal["error", "warning"], seen: str, episode: int) -> Finding:
    remedy = "Remove the copies, or give both the same source so that a split keeps them together."
    return Finding("leak", severity, seen, "every recording once", remedy, episode)


def _twins(some: Sequence[Recording], others: Sequence[Recording]) -> list[tuple[Recording, Recording]]:
    """Pairs in which the second episode has most of the first one's rows."""
    owners = defaultdict(list)
    for number, other in enumerate(others):
        for row in _rows(other):
            owners[row].append(number)
    found = []
    for one in some:
        rows = _rows(one)
        shared = Counter(number for row in rows for number in owners[row] if others[number] is not one)
        least = max(SHARE * len(rows), LEAST_ROWS)
        found += [(one, others[number]) for number, count in shared.items() if count >= least]
    return found


def _rows(one: Recording) -> set[int]:
    numbers = np.concatenate([one.state, one.actions], axis=1).astype(np.float32)
    return {hash(row.tobytes()) for row in numbers}
