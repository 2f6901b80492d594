"""Counting and numbering the task sequences that the symbolic rules allow, so that one can be drawn evenly."""

from functools import cache

from robovlms.worlds.tabletop.symbolic import Symbols, outcome
from robovlms.worlds.tabletop.tasks import TASKS

SPACINGS = ("five categories", "no task twice, neighbours differ", "neighbours differ", "any")
"""How far apart tasks of one category must be, the strictest, CALVIN's, first."""


def category(task: str) -> str:
    """CALVIN's category of a task; one chain holds at most one task of each."""
    if task.startswith(("rotate", "push_")) and task != "push_into_drawer":
        return "move a block"
    if task.startswith("lift"):
        return "lift from the " + task.rsplit("_", 1)[1]
    words = {"move": "slider", "open": "drawer", "close": "drawer", "place": "place", "turn": "light"}
    return words.get(task.split("_")[0], task)


@cache
def _successors(tasks: tuple[str, ...], now: Symbols) -> list[tuple[str, Symbols]]:
    ends = ((task, outcome(task, now)) for task in tasks)
    return [(task, end) for task, end in ends if end is not None]


def _remember(spacing: str, past: frozenset[str], task: str) -> frozenset[str] | None:
    """What must be known of a sequence once ``task`` has followed, or None where it may not follow."""
    kind = category(task)
    if spacing == "any":
        return past
    if kind in past or task in past:
        return None
    if spacing == "five categories":
        return past | {kind}
    if spacing == "neighbours differ":
        return frozenset({kind})
    return past.intersection(TASKS) | {kind, task}


@cache
def count_sequences(
    tasks: tuple[str, ...], spacing: str, now: Symbols, left: int, past: frozenset[str] = frozenset()
) -> int:
    """Number of sequences of ``left`` more tasks from ``now``; ``past`` is what is known of the tasks before."""
    if left == 0:
        return 1
    options = _options(tasks, spacing, now, past)
    if left == 1:  # most calls end here
        return len(options)
    return sum(count_sequences(tasks, spacing, end, left - 1, kept) for _, end, kept in options)


@cache
def _options(
    tasks: tuple[str, ...], spacing: str, now: Symbols, past: frozenset[str]
) -> list[tuple[str, Symbols, frozenset[str]]]:
    following = ((task, end, _remember(spacing, past, task)) for task, end in _successors(tasks, now))
    return [(task, end, kept) for task, end, kept in following if kept is not None]


def sequence(tasks: tuple[str, ...], spacing: str, now: Symbols, length: int, rank: int) -> tuple[str, ...]:
    """The sequence number ``rank`` (from 0) of those that ``count_sequences`` counts."""
    past, names = frozenset[str](), []
    for left in reversed(range(length)):
        for task, end, kept in _options(tasks, spacing, now, past):
            count = count_sequences(tasks, spacing, end, left, kept)
            if rank < count:
                names.append(task)
                now, past = end, kept
                break
            rank -= count
    return tuple(names)
