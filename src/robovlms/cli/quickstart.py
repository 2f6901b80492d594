"""``robovlms quickstart``: from nothing to a scored robot policy and a report."""

from pathlib import Path
from typing import Annotated

import typer


def quickstart(
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("runs/quickstart"),
    minutes: Annotated[float, typer.Option(help="Wall-clock budget of the whole command on two cores.")] = 12,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of demonstrations and training.")] = 0,
    chains: Annotated[int, typer.Option(help="Number of chains of five tasks to score.")] = 100,
    tasks: Annotated[str, typer.Option(help="fixtures_drawer (nine tasks), twelve, or all.")] = "fixtures_drawer",
    model: Annotated[str, typer.Option(help="vla, or without a VLM: cnn, cnn_gru, act.")] = "vla",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the quickstart in --out.")] = False,
) -> None:
    """Demonstrations, a VLA from the packaged VLM, training, chains of five, and one HTML report."""
    from robovlms.cli.pipeline import Pipeline

    Pipeline(out, minutes, seed, chains, tasks, model, resume).run()
