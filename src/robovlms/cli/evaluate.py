"""``robovlms evaluate``: a checkpoint or a baseline on a benchmark, to results.json, clips and a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robovlms.evaluation.results import Results


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint, run folder, hub id or baseline:NAME.")],
    benchmark: Annotated[str, typer.Option(help="tabletop, calvin, libero or metaworld.")] = "tabletop",
    out: Annotated[Path, typer.Option(help="Folder for results, episodes and clips.")] = Path("runs/evaluation"),
    scene: Annotated[
        str | None, typer.Option("--scene", "--suite", help="Scene (tabletop: A, B, C or D) or suite.")
    ] = None,
    setting: Annotated[
        str | None, typer.Option(help="What is new to the policy (tabletop): unseen_distractor, unseen_background ...")
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
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Rows of the policy's batch: episodes side by side. Default: the benchmark's."),
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
    world_python: Annotated[
        str | None, typer.Option(help="Interpreter that has the simulator: make world-NAME builds .venvs/NAME.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of a sampling policy.")] = 0,
    against: Annotated[
        Path | None, typer.Option(help="Results of another policy: stop once it is known which of both is better.")
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(help="How often --against may find a difference where there is none (0.05), whenever it stops."),
    ] = None,
    video: Annotated[int, typer.Option(min=0, help="Record the first N chains.")] = 4,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the evaluation in --out.")] = False,
    shard: Annotated[str, typer.Option(help="Play part I/N of the episodes; robovlms merge joins folders.")] = "1/1",
    reply_timeout: Annotated[
        float, typer.Option(help="Seconds of silence after which a world counts as hanging and is started anew.")
    ] = 300.0,
) -> None:
    """Score a policy on a benchmark, with intervals.

    baseline:cnn, baseline:cnn_gru and baseline:act collect data (tabletop, metaworld) and train a policy without a VLM;
    baseline:random and baseline:zero look at nothing.
    """
    from robovlms.cli.scoring import score
    from robovlms.core.errors import UserError
    from robovlms.evaluation.results import load
    from robovlms.evaluation.shards import Shard
    from robovlms.evaluation.stopping import Rival
    from robovlms.reports.terminal import print_summary

    names = tuple(tasks.split(",")) if tasks is not None and "," in tasks else tasks
    which = {"scene": scene, "setting": setting, "tasks": names, "episodes": episodes, "image_size": image_size}
    asked = {**which, "executor": executor, "batch": batch, "seed": seed, "world_python": world_python}
    if against is None and alpha is not None:
        raise UserError(
            f"Got --alpha {alpha:g} without --against RESULTS: it says how soon that stops. Add it, or leave both."
        )
    rival = None if against is None else Rival(load(against), **({} if alpha is None else {"alpha": alpha}))
    found = score(
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
        rival=rival,
        reply_timeout_s=reply_timeout,
        shard=Shard.parse(shard),
    )
    if found.stopped is None and len(found.episodes) < found.protocol.num_chains:
        typer.echo(_part(found, out))
        return
    next_steps = [f"robovlms report {out}"] + [f"robovlms compare {against} {out}"] * bool(rival)
    print_summary([out], places={"Results": out / "results.json"}, next_steps=next_steps)
    if rival:
        typer.echo(_ended(found, against))


def _part(found: "Results", out: Path) -> str:
    played = f"{len(found.episodes):,} of {found.protocol.num_chains:,} episodes are played."
    return f"{played} Join this part with the others: robovlms merge {out} ... --out DIR"


def _ended(found: "Results", against: Path | None) -> str:
    if found.stopped is None:
        return f"All {len(found.episodes):,} episodes are played, and do not tell which is better, this or {against}."
    better = "better" if found.stopped.better else "worse"
    after, planned = found.stopped.after, found.stopped.planned
    return f"Stopped after {after:,} of {planned:,} episodes: this policy is {better} than that of {against}."
