"""The last lines a command prints: what was measured, with intervals, where the files are, what to try next.

Every number stays whole at any width: runs that do not fit side by side go into a second table.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from robovlms.core.protocols import SIMPLE
from robovlms.reports.confidence import calibrations
from robovlms.reports.failures import failure_counts, labels_of
from robovlms.reports.running import how_it_ran
from robovlms.reports.runs import Run, read_runs
from robovlms.reports.scales import compact
from robovlms.reports.summary import find, percent, protocol_differences
from robovlms.statistics.intervals import Estimate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_summary(
    run_dirs: Sequence[Path],
    *,
    places: Mapping[str, Path] | None = None,
    next_steps: Sequence[str] = (),
    console: "Console | None" = None,
) -> None:
    """Print the summary of one or several run directories.

    Args:
        run_dirs: As for ``write_report``; each is a column of a table.
        places: What was written, by name, such as ``{"Report": Path("report.html")}``.
        next_steps: Lines for 'What to try next', usually commands.
        console: Where to print; standard output by default.

    Raises:
        UserError, CorruptData: As ``read_runs``.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    runs = read_runs(run_dirs)
    console.print(_title(runs), style="bold", markup=False)
    for table in summary_tables(runs, console.width):
        console.print(table)
    errors = "; errors are open-loop, of the next action" if any(run.open_loop for run in runs) else ""
    console.print(f"value [95 % interval]{errors}", markup=False)
    for run in runs:
        for line in how_it_ran(run):
            console.print(f"{run.label}: {line}" if len(runs) > 1 else line, markup=False, soft_wrap=True)
    if differences := protocol_differences(runs):
        console.print(f"Not a like-for-like comparison: {'; '.join(differences)}", markup=False)
    for name, place in (places or {}).items():
        console.print(f"{name + ':':<14}{place}", markup=False, soft_wrap=True)
    if next_steps:
        console.print("\nWhat to try next", style="bold")
    for line in next_steps:
        console.print(f"  {line}", markup=False, soft_wrap=True)


def summary_tables(runs: Sequence[Run], width: int) -> "list[Table]":
    """One row a metric, one column a run, each value with its 95 % interval; as many tables as ``width`` asks for."""
    rows = _rows(runs)
    names = max((len(name) for name, _ in rows), default=0)
    cells = max((len(cell) for _, texts in rows for cell in texts), default=0)
    per_table = max(1, (width - names - 4) // (cells + 3))  # a space on either side of a column, and lines between
    return [_table(runs, rows, slice(start, start + per_table)) for start in range(0, len(runs), per_table)]


def _table(runs: Sequence[Run], rows: Sequence[tuple[str, list[str]]], part: slice) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("", overflow="fold")
    for run in runs[part]:
        table.add_column(Text(run.label), justify="right", overflow="fold")
    for name, cells in rows:
        table.add_row(Text(name), *map(Text, cells[part]), style="bold" if name == "average length" else "")
    return table


def _title(runs: Sequence[Run]) -> str:
    outcomes = [run.outcome for run in runs if run.outcome]
    if not outcomes:
        return "Not evaluated"
    first = outcomes[0]
    scene, setting = find(first.protocol, "scene"), first.protocol["setting"]
    place = (f", scene {scene}" if scene else "") + ("" if setting == SIMPLE else f", {setting.replace('_', ' ')}")
    unit = "chains" if first.length > 1 else "episodes"
    return f"{first.benchmark}{place}: {len(first.tasks)} tasks, {len(first.chains)} {unit}"


def _rows(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    names = dict.fromkeys(name for run in runs if run.outcome for name in run.outcome.metrics)
    rows = [(_name(name), [_cell(run.outcome.metrics.get(name) if run.outcome else None, name) for run in runs])
            for name in names if name != "success" or "success_2" not in names]  # fmt: skip
    rows += _failures(runs)
    gaps = {item.run: f"{item.calibration.error:.3f}" for item in calibrations(runs)}
    rows += [("calibration error", [gaps.get(index, "-") for index in range(len(runs))])] if gaps else []
    errors = dict.fromkeys(name for run in runs for name, _ in run.open_loop)
    rows += [
        (f"error, {name.replace('_', ' ')}", [_open_loop(dict(run.open_loop).get(name)) for run in runs])
        for name in errors
    ]
    return rows


def _failures(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """How many tasks failed, by label."""
    counts = [failure_counts(run.outcome.chains if run.outcome else ()) for run in runs]
    return [
        (
            f"failed: {label.replace('_', ' ')}",
            [str(sum(n for (_, name), n in one.items() if name == label)) for one in counts],
        )
        for label in labels_of(sum(counts, Counter()))
    ]


def _name(metric: str) -> str:
    number = metric.removeprefix("success_")
    return f"{number} in a row" if number.isdigit() else metric.replace("_", " ")


def _cell(estimate: Estimate | None, name: str) -> str:
    if estimate is None:
        return "-"
    if name == "average_length":
        return f"{estimate.value:.2f} [{_between(estimate, '.2f')}]"
    return f"{percent(estimate.value)} [{_between(estimate, '.0f', 100)}]"


def _open_loop(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{compact(estimate.value)} [{_between(estimate, '.3g')}]"


def _between(estimate: Estimate, digits: str, factor: float = 1.0) -> str:
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return "none"
    return f"{factor * estimate.low:{digits}}, {factor * estimate.high:{digits}}"
