"""``robovlms merge``: the parts of an evaluation that several machines played, joined into one folder."""

from pathlib import Path
from typing import Annotated

import typer

SHOWN = 20


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR ...", help="Folders that evaluate --shard wrote.")],
    out: Annotated[Path, typer.Option(help="A new folder for all episodes, results and clips.")],
) -> None:
    """Join parts of one evaluation; results.json is the one that a single machine would have written.

    Refused: another protocol, checkpoint or library version, and episodes that two folders disagree on.
    """
    from robovlms.core.errors import WorkFailed
    from robovlms.evaluation.merging import merge as join
    from robovlms.reports.terminal import print_summary

    _, missing = join(folders, out)
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise WorkFailed(
            f"{out} lacks {len(missing)} episodes: {', '.join(missing[:SHOWN])}{more}. "
            f"Play them with robovlms evaluate --out {out} --resume, or merge again with the folders that have them."
        )
    print_summary([out], places={"Results": out / "results.json"}, next_steps=[f"robovlms report {out}"])
