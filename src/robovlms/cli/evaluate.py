"""``robovlms evaluate``: a checkpoint or a baseline on a benchmark, to results.json, clips and a report."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint, run folder, hub id or baseline:NAME.")],
    benchmark: Annotated[str, typer.Option(help="tabletop.")] = "tabletop",
    out: Annotated[Path, typer.Option(help="Folder for results, episodes and clips.")] = Path("runs/evaluation"),
    scene: Annotated[
        str | None, typer.Option("--scene", "--suite", help="Scene (tabletop: A, B, C or D) or suite.")
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="all, a named set, or names joined by commas; default: those trained on.")
    ] = None,
    episodes: Annotated[
        int, typer.Option("--chains", "--episodes", help="Number of episodes; of chains, where tasks come in chains.")
    ] = 100,
    image_size: Annotated[
        int | None, typer.Option(min=8, max=1280, help="Side of the images, in pixels. Default: the benchmark's.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="World processes; no episode depends on it. 0 = one a core.")] = 0,
    executor: Annotated[
        str | None, typer.Option(help="first, chunk:K, ensemble:DECAY or rtc:K; @D: D steps late. Default: recipe's.")
    ] = None,
    embodiment: Annotated[
        str | None, typer.Option(help="As which of several robots a policy acts, where it knows more than one.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: auto, cpu or cuda.")] = "auto",
    launcher: Annotated[
        str, typer.Option(help="Where the worlds run: local processes, or ray (the cluster RAY_ADDRESS names).")
    ] = "local",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of a sampling policy.")] = 0,
    video: Annotated[int, typer.Option(min=0, help="Record the first N chains.")] = 4,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the evaluation in --out.")] = False,
) -> None:
    """Score a policy on a benchmark, with intervals.

    baseline:cnn, baseline:cnn_gru and baseline:act collect data and train a policy without a VLM first;
    baseline:random and baseline:zero look at nothing.
    """
    from robovlms.cli.scoring import score
    from robovlms.reports.terminal import print_summary

    names = tuple(tasks.split(",")) if tasks is not None and "," in tasks else tasks
    which = {"scene": scene, "tasks": names, "episodes": episodes, "image_size": image_size}
    asked = {**which, "executor": executor, "seed": seed}
    score(
        checkpoint,
        out,
        benchmark,
        asked,
        workers=workers,
        video=video,
        resume=resume,
        device=device,
        embodiment=embodiment,
        launcher=launcher,
    )
    print_summary([out], places={"Results": out / "results.json"}, next_steps=[f"robovlms report {out}"])
