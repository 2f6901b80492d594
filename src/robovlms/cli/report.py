"""``robovlms report``: one offline HTML file from run folders."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are shown side by side.")],
    out: Annotated[Path | None, typer.Option(help="The HTML file; default: report.html in the first folder.")] = None,
) -> None:
    """Write one offline HTML report of one or several runs."""
    from robovlms.reports.html import write_report
    from robovlms.reports.terminal import print_summary

    path = write_report(runs, out or runs[0] / "report.html")
    print_summary(runs, places={"Report": path})
