"""``robovlms benchmarks``: what a policy can be scored on, and the facts to choose by."""

import json
from typing import Annotated, Any

import typer


def benchmarks(json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List the benchmarks: tasks, splits, demonstrations, settings, licence, how to install, episodes needed."""
    from robovlms.evaluation.catalogue import episodes_needed

    listed = catalogue()
    if json_:
        typer.echo(json.dumps(listed, indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(_table(listed))
    console.print()
    for entry in listed:
        console.print(f"{entry['name']}: {entry['install']}", markup=False)
    console.print()
    needed = ", ".join(f"{count:,} {name}" for name, count in episodes_needed().items())
    console.print(
        "+-: points of the 95 % interval of a success rate at its widest, after the usual episodes. +-3 points need "
        f"{needed}; robovlms plan knows other margins. --json has splits, demonstrations, settings and protocols, and "
        "says of each fact where it was seen."
    )


def catalogue() -> list[dict[str, Any]]:
    """A record a benchmark, with the keys of ``docs/benchmarks.md``."""
    from dataclasses import asdict

    from robovlms.evaluation.catalogue import ENTRIES, episodes_needed

    needed = episodes_needed()
    return [
        {key: value for key, value in asdict(entry).items() if key != "without"}
        | {"status": entry.status, "margin_points": round(100 * entry.margin, 1), "episodes_for_3_points": needed}
        for entry in ENTRIES
    ]


def _table(listed: list[dict[str, Any]]) -> Any:
    """A row a benchmark; whole at 80 columns."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("benchmark", "type"):
        table.add_column(heading, no_wrap=True)
    for heading in ("tasks", "episodes", "+-"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("licence", "status"):
        table.add_column(heading, no_wrap=True)
    for entry in listed:
        numbers = (str(entry["tasks"]), f"{entry['episodes']:,}", f"{entry['margin_points']:.1f}")
        licence = entry["licence"].partition(":")[0].partition(";")[0]
        table.add_row(f"[bold]{entry['name']}[/]", entry["type"], *numbers, licence, entry["status"])
    return table
