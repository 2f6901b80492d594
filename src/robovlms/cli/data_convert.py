"""Converting with a progress bar, and telling what was lost."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from robovlms.cli.skipped import tell_skipped
from robovlms.data.convert import Conversion, ImageKind, convert
from robovlms.data.source import SourceConfig


def run(config: SourceConfig, out: Path, to: str, images: ImageKind, quiet: bool) -> Conversion:
    """Convert; progress goes to the error stream."""
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        tasks = {name: bar.add_task(name, total=None) for name in ("writing", "comparing")}
        return convert(
            config, out, to, images, lambda what, done, total: bar.update(tasks[what], completed=done, total=total)
        )


def tell(found: Conversion, out: Path, console: Console) -> None:
    """What was written, and each loss."""
    console.print(f"Wrote {found.episodes} episodes, {found.frames} frames to {out}", markup=False, soft_wrap=True)
    tell_skipped(found.skipped, console)
    if not found.losses:
        console.print("Read back: nothing was lost.")
        return
    console.print("Read back, this differs from the original:")
    for loss in found.losses:
        console.print(f"  {loss}", markup=False, soft_wrap=True)
