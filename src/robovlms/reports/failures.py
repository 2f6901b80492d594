"""How tasks failed: a table of labels for each evaluation."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from robovlms.evaluation.failures import FAILURES
from robovlms.evaluation.results import EpisodeResult
from robovlms.reports.runs import Run


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One task; ``counts`` are in the table's order of labels."""

    task: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Failed attempts of the task."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class FailureTable:
    """One run. ``labels`` are (name, meaning), those that occur; the meaning of a name that is not ours is empty."""

    label: str
    labels: tuple[tuple[str, str], ...]
    rows: tuple[FailureRow, ...]
    all: FailureRow

    @property
    def most(self) -> int:
        """The largest count of a task and label."""
        return max(max(row.counts) for row in self.rows)


def failure_counts(chains: Iterable[EpisodeResult]) -> Counter[tuple[str, str]]:
    """Failed attempts by task and label."""
    return Counter((task.task, task.failure) for chain in chains for task in chain.tasks if task.failure)


def labels_of(counts: Counter[tuple[str, str]]) -> list[str]:
    """The labels that occur: ours in their order, then others."""
    found = {label for _, label in counts}
    return [*(name for name in FAILURES if name in found), *sorted(found - FAILURES.keys())]


def failure_table(run: Run) -> FailureTable | None:
    """The failures of a run by task, those that failed most first; None where nothing failed or was evaluated."""
    counts = failure_counts(run.outcome.chains if run.outcome else ())
    if not counts:
        return None
    labels = labels_of(counts)
    tasks = {task for task, _ in counts}
    rows = [FailureRow(task, tuple(counts[task, label] for label in labels)) for task in sorted(tasks)]
    sums = tuple(map(sum, zip(*(row.counts for row in rows), strict=True)))
    named = tuple((label, FAILURES.get(label, "")) for label in labels)
    return FailureTable(
        run.label, named, tuple(sorted(rows, key=lambda row: -row.total)), FailureRow("all tasks", sums)
    )
