"""The last lines a command prints: what was measured, with intervals, where the files are, what to try next."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from robovlms.reports.runs import Run, read_runs
from robovlms.reports.summary import find, interval, percent
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
        run_dirs: As for ``write_report``; each is a column of the table.
        places: What was written, by name, such as ``{"Report": Path("report.html")}``.
        next_steps: Lines for 'What to try next', usually commands.
        console: Where to print; standard output by default.

    Raises:
        UserError, CorruptData: As ``read_runs``.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    console.print(summary_table(read_runs(run_dirs)))
    for name, place in (places or {}).items():
        console.print(f"{name + ':':<14}{place}", markup=False, soft_wrap=True)
    if next_steps:
        console.print("\nWhat to try next", style="bold")
    for line in next_steps:
        console.print(f"  {line}", markup=False, soft_wrap=True)


def summary_table(runs: Sequence[Run]) -> "Table":
    """One row a metric, one column a run, each value with its 95 % interval and the episodes behind it."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(_title(runs)), title_justify="left", title_style="bold", caption_justify="left")
    table.caption = Text("value [95 % interval]")
    table.add_column("")
    for run in runs:
        table.add_column(Text(run.label), justify="right")
    for name, cells in _rows(runs):
        table.add_row(Text(name), *map(Text, cells), style="bold" if name == "average length" else "")
    return table


def _title(runs: Sequence[Run]) -> str:
    outcomes = [run.outcome for run in runs if run.outcome]
    if not outcomes:
        return "Not evaluated"
    first = outcomes[0]
    scene = find(first.protocol, "scene")
    unit = "chains" if first.length > 1 else "episodes"
    return (
        f"{first.benchmark}{f', scene {scene}' if scene else ''}: {len(first.tasks)} tasks, {len(first.chains)} {unit}"
    )


def _rows(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    names = dict.fromkeys(name for run in runs if run.outcome for name in run.outcome.metrics)
    rows = [(_name(name), [_cell(run.outcome.metrics.get(name) if run.outcome else None, name) for run in runs])
            for name in names if name != "success" or "success_2" not in names]  # fmt: skip
    errors = dict.fromkeys(name for run in runs for name, _ in run.open_loop)
    rows += [
        (f"open-loop error, {name.replace('_', ' ')}", [_open_loop(dict(run.open_loop).get(name)) for run in runs])
        for name in errors
    ]
    return rows


def _name(metric: str) -> str:
    number = metric.removeprefix("success_")
    return f"{number} in a row" if number.isdigit() else metric.replace("_", " ")


def _cell(estimate: Estimate | None, name: str) -> str:
    if estimate is None:
        return "-"
    rate = name != "average_length"
    value = percent(estimate.value) if rate else f"{estimate.value:.2f}"
    return f"{value} [{interval(estimate, rate)}]"


def _open_loop(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{estimate.value:.3g} [{interval(estimate)}]"
