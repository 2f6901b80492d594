"""Collecting demonstrations with a progress bar and a table at the end."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from robovlms.core.errors import UserError
from robovlms.demos.collect import Plan, Tally, collect
from robovlms.demos.tabletop import TabletopPlan
from robovlms.worlds.tabletop.scenes import scene_spec
from robovlms.worlds.tabletop.tasks import task_set


def collect_with_progress(out: Path, tasks: str | Sequence[str], workers: int, **plan: Any) -> Tally:
    """Collect on the tabletop what ``plan`` (fields of ``TabletopPlan``) asks for and show what came of it."""
    if not plan.get("scenes", "D"):
        raise UserError("Got --scenes '', expected one or more scenes, for example ABC.")
    for letter in plan.get("scenes", "D"):
        scene_spec(letter)
    return collect_shown(TabletopPlan(tasks=task_set(tasks), **plan), out, workers)


def collect_shown(plan: Plan, out: Path, workers: int) -> Tally:
    """Collect what a plan asks for and show what came of it; 0 workers are one a core."""
    console = Console()
    columns = (TextColumn("[bold]demonstrations"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=plan.num_episodes)
        tally = collect(plan, out, workers or available_cores(), lambda _: bar.advance(task))
    console.print(summary(tally))
    console.print(f"Wrote {tally.demos.total()} demonstrations, {tally.frames.total()} frames to {out}")
    return tally


def summary(tally: Tally) -> Table:
    """Demonstrations by task: how many, how long, how often the expert stalled or failed."""
    table = Table(caption="frames: mean length; stalled: share of frames; failed: attempts that were thrown away")
    table.add_column("task", overflow="fold")
    for header in ("demos", "frames", "stalled", "failed"):
        table.add_column(header, justify="right", overflow="fold")
    for task in sorted(tally.demos | tally.failures):
        demos, frames = tally.demos[task], tally.frames[task]
        stalled = f"{tally.stalled[task] / frames:.1%}" if frames else "-"
        table.add_row(task, str(demos), f"{frames / demos:.1f}" if demos else "-", stalled, str(tally.failures[task]))
    table.add_section()
    total = tally.demos.total()
    mean = f"{tally.frames.total() / max(total, 1):.1f}"
    table.add_row("all", str(total), mean, f"{tally.stalled_fraction:.1%}", str(tally.failures.total()))
    return table


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
