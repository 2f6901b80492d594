"""One offline HTML file from run directories: numbers with intervals, curves, clips and provenance.

Nothing is fetched: styles, script, charts and videos are inside, and the page's own content policy forbids the rest.
The same inputs give the same bytes.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robovlms.core.errors import UserError
from robovlms.core.files import clear_disk_errors, publish
from robovlms.reports import curves, summary
from robovlms.reports.clips import embed_clips
from robovlms.reports.confidence import calibrations
from robovlms.reports.failures import failure_table
from robovlms.reports.provenance import provenance
from robovlms.reports.runs import Run, read_runs
from robovlms.reports.scales import compact
from robovlms.reports.tasks import chain_grid, task_rows

if TYPE_CHECKING:
    from jinja2 import Environment


def write_report(run_dirs: Sequence[Path], out: Path) -> Path:
    """Write the report of one or several runs and return its path; several runs stand side by side.

    Args:
        run_dirs: Directories a training or an evaluation wrote; what one lacks is named in the page.
        out: The HTML file; a directory gets ``report.html``. An existing report is replaced at once, never in part.

    Raises:
        UserError: no directory, one that holds nothing to show, or a report that cannot be written.
        CorruptData: an input file is damaged; the message names it.
    """
    return write_page(render(read_runs(run_dirs)), out, "report.html")


def write_page(page: str, out: Path, name: str) -> Path:
    """Write a page at once and return its path; a directory gets a file of this ``name``.

    Raises:
        UserError: the page cannot be written there.
    """
    target = Path(out)
    if target.is_dir():
        target = target / name
    if target.exists() and not target.is_file():
        raise UserError(f"Report file {target} is not an ordinary file. Name another with --out.")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with clear_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
    publish(draft, target)
    return target


def render(runs: Sequence[Run]) -> str:
    """The page as text; every string that comes from a file is escaped."""
    return environment().get_template("report.html.j2").render(_context(runs))


@cache
def environment() -> "Environment":
    """Templates of this package; every string is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("robovlms.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": summary.percent, "compact": compact}
    return environment


def _context(runs: Sequence[Run]) -> dict[str, Any]:
    script = (files("robovlms.reports") / "templates" / "report.js").read_text(encoding="utf-8").strip()
    clips, left_out = embed_clips(runs)
    return {
        "title": _title(runs),
        "interval": summary.interval,
        "runs": runs,
        "cards": [summary.card(run) for run in runs],
        "ladder": summary.ladder(runs),
        "differences": summary.protocol_differences(runs),
        "clips": clips,
        "clips_left_out": left_out,
        "tasks": task_rows(runs),
        "calibrations": calibrations(runs),
        "failures": [failure_table(run) for run in runs],
        "grids": [chain_grid(run) for run in runs],
        "panels": curves.panels(runs),
        "provenance": [provenance(run) for run in runs],
        "script": script,
        # Only this very script may run: text from a file could not, even if escaping failed.
        "script_hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _title(runs: Sequence[Run]) -> str:
    benchmarks = sorted({run.outcome.benchmark for run in runs if run.outcome and run.outcome.benchmark})
    scenes = sorted(
        {str(run.outcome.protocol["scene"]) for run in runs if run.outcome and "scene" in run.outcome.protocol}
    )
    subject = " against ".join(run.label for run in runs) if len(runs) <= 3 else f"{len(runs)} runs"
    place = " and ".join(benchmarks) + (f", scene {'/'.join(scenes)}" if scenes else "")
    return f"{subject} on {place}" if place else subject
