"""An episode that stands twice, once for training and once for validation."""

from collections import defaultdict

import numpy as np

from robovlms.data.doctor.examined import Examined, Recording
from robovlms.data.doctor.finding import Finding

SHARE = 0.5
"""Share of an episode's rows that another has too, from which on they are taken for the same recording."""
LEAST_ROWS = 3


def check(data: Examined) -> list[Finding]:
    """Rows of numbers (state and action) that several episodes have in common."""
    owners = defaultdict(set)
    rows = [_rows(one) for one in data.recordings]
    for number, own in enumerate(rows):
        for row in own:
            owners[row].add(number)
    twins = [(i, j) for i, own in enumerate(rows) for j in _twins(i, own, owners)]
    leaks = [(i, j) for i, j in twins if data.recordings[i].held_out and not data.recordings[j].held_out]
    if leaks:
        held, seen_in = (data.recordings[number].index for number in leaks[0])
        seen = f"episode {held}, held out for validation, stands in the training episode {seen_in} too"
        return [_finding("error", f"{seen} ({len({i for i, _ in leaks})} such)", held)]
    if twins:
        one, other = (data.recordings[number].index for number in twins[0])
        return [_finding("warning", f"episodes {one} and {other} are the same recording", one)]
    return []


def _finding(severity: str, seen: str, episode: int) -> Finding:
    remedy = "Remove the copies, or give both the same source so that a split keeps them together."
    kind = "error" if severity == "error" else "warning"
    return Finding("leak", kind, seen, "every recording once", remedy, episode)


def _rows(one: Recording) -> list[bytes]:
    numbers = np.concatenate([one.state, one.actions], axis=1).astype(np.float32)
    return [row.tobytes() for row in np.unique(numbers, axis=0)]


def _twins(number: int, rows: list[bytes], owners: dict[bytes, set[int]]) -> list[int]:
    """Episodes that have most of these rows."""
    counts: dict[int, int] = defaultdict(int)
    for row in rows:
        for other in owners[row] - {number}:
            counts[other] += 1
    return [other for other, count in counts.items() if count >= max(SHARE * len(rows), LEAST_ROWS)]
