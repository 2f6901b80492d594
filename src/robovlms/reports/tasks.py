"""What happened task by task and chain by chain."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import commonprefix
from statistics import median

from robovlms.evaluation.results import EpisodeResult, TaskResult
from robovlms.reports.outcomes import Outcome
from robovlms.reports.runs import Run
from robovlms.statistics.intervals import Estimate, wilson


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task of one run; ``median_steps`` is over its successes, None where it never succeeded."""

    attempts: int
    successes: int
    estimate: Estimate
    median_steps: float | None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task; ``scores`` holds None for a run that never attempted it."""

    task: str
    scores: tuple[TaskScore | None, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a chain: ``solved``, ``failed`` or ``open`` (never begun)."""

    state: str
    text: str


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One chain of the grid; ``number`` is the id without what all ids share, ``text`` says the row in words."""

    number: str
    solved: int
    cells: tuple[Cell, ...]
    text: str


@dataclass(frozen=True, slots=True)
class ChainGrid:
    """All chains of one run. ``counts[i]`` chains solved exactly ``i`` tasks."""

    label: str
    rows: tuple[ChainRow, ...]
    counts: tuple[int, ...]
    invalid: tuple[str, ...]


def task_rows(runs: Sequence[Run]) -> list[TaskRow]:
    """Success of every task of the protocols, in their order; a task nobody reached stays in the table."""
    names = dict.fromkeys(name for run in runs if run.outcome for name in run.outcome.tasks)
    return [TaskRow(name, tuple(_score(run.outcome, name) for run in runs)) for name in names]


def _score(outcome: Outcome | None, task: str) -> TaskScore | None:
    chains = outcome.chains if outcome else ()
    attempts = [attempt for chain in chains for attempt in chain.tasks if attempt.task == task]
    if not attempts:
        return None
    steps = [attempt.steps for attempt in attempts if attempt.success]
    successes = sum(attempt.success for attempt in attempts)
    return TaskScore(len(attempts), successes, wilson(successes, len(attempts)), median(steps) if steps else None)


def chain_grid(run: Run) -> ChainGrid | None:
    """The chains of a run as rows of cells, None without an evaluation."""
    if run.outcome is None:
        return None
    chains, length = run.outcome.chains, run.outcome.length
    solved = Counter(chain.num_solved for chain in chains)
    return ChainGrid(
        run.label,
        tuple(_row(chain, number, length) for chain, number in zip(chains, _numbers(chains), strict=True)),
        tuple(solved[number] for number in range(length + 1)),
        tuple(f"{chain.id} ({chain.error})" if chain.error else chain.id for chain in run.outcome.invalid),
    )


def _numbers(chains: Sequence[EpisodeResult]) -> list[str]:
    shared = commonprefix([chain.id for chain in chains]).rstrip("0123456789")  # noqa: RUF071 - ids are no paths
    return [chain.id.removeprefix(shared) or chain.id for chain in chains]


def _row(chain: EpisodeResult, number: str, length: int) -> ChainRow:
    cells = [_cell(index, attempt) for index, attempt in enumerate(chain.tasks, 1)]
    cells += [Cell("open", f"{index}. not begun") for index in range(len(cells) + 1, length + 1)]
    words = "; ".join(cell.text for cell in cells if cell.state != "open")
    solved = chain.num_solved
    return ChainRow(number, solved, tuple(cells), f"{chain.id}: {solved} of {length} solved. {words}")


def _cell(index: int, attempt: TaskResult) -> Cell:
    state = "solved" if attempt.success else "failed"
    reason = f" ({attempt.failure.replace('_', ' ')})" if attempt.failure else ""
    ending = f"{state}{reason} after {attempt.steps} steps"
    return Cell(state, f"{index}. “{attempt.instruction}” [{attempt.task}]: {ending}")
