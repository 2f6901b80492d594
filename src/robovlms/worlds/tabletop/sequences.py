"""Counting and numbering the task sequences that the symbolic rules allow, so that one can be drawn evenly."""

from collections.abc import Callable
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


_REMEMBERED: dict[str, Callable[[frozenset[str], str, str], frozenset[str]]] = {
    SPACINGS[0]: lambda past, _, kind: past | {kind},
    SPACINGS[1]: lambda past, task, kind: past.intersection(TASKS) | {task, kind},
    SPACINGS[2]: lambda _past, _task, kind: frozenset({kind}),
    SPACINGS[3]: lambda _past, _task, _kind: frozenset(),
}
"""Tasks and categories that may not come next, from those of before, the task that followed and its category."""


@cache
def _successors(tasks: tuple[str, ...], now: Symbols) -> list[tuple[str, str, Symbols]]:
    """The tasks that can begin, their category and where they end."""
    ends = ((task, outcome(task, now)) for task in tasks)
    return [(task, category(task), end) for task, end in ends if end is not None]


@cache
def count_sequences(
    tasks: tuple[str, ...], spacing: str, now: Symbols, left: int, past: frozenset[str] = frozenset()
) -> int:
    """Number of sequences of ``left`` more tasks from ``now``; ``past`` may not come next."""
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
    """The tasks that may come next, where they end and what may not follow them."""
    remembered = _REMEMBERED[spacing]
    return [
        (task, end, remembered(past, task, kind))
        for task, kind, end in _successors(tasks, now)
        if task not in past and kind not in past
    ]


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
