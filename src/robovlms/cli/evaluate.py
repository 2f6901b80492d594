"""``robovlms evaluate``: a checkpoint or a baseline on a benchmark, to results.json, clips and a report."""

from pathlib import Path
from typing import Annotated, Any

import typer

BENCHMARKS = ("tabletop",)


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Checkpoint, run folder, hub id or baseline:NAME.")],
    benchmark: Annotated[str, typer.Option(help="tabletop.")] = "tabletop",
    out: Annotated[Path, typer.Option(help="Folder for results, episodes and clips.")] = Path("runs/evaluation"),
    scene: Annotated[str, typer.Option(help="Scene of the tabletop: A, B, C or D.")] = "D",
    tasks: Annotated[
        str | None, typer.Option(help="all, a named set, or names joined by commas; default: those trained on.")
    ] = None,
    chains: Annotated[int, typer.Option(help="Number of chains of five tasks.")] = 100,
    workers: Annotated[int, typer.Option(min=0, help="World processes; no episode depends on it. 0 = one a core.")] = 0,
    executor: Annotated[
        str | None, typer.Option(help="first, chunk:K, ensemble:DECAY or rtc:K; @D: D steps late. Default: recipe's.")
    ] = None,
    embodiment: Annotated[
        str | None, typer.Option(help="As which of several robots a policy acts, where it knows more than one.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of a sampling policy.")] = 0,
    video: Annotated[int, typer.Option(min=0, help="Record the first N chains.")] = 4,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the evaluation in --out.")] = False,
    shard: Annotated[str, typer.Option(help="Play part I/N of the episodes; robovlms merge joins folders.")] = "1/1",
    reply_timeout: Annotated[
        float, typer.Option(help="Seconds of silence after which a world counts as hanging and is started anew.")
    ] = 300.0,
) -> None:
    """Score a policy on a benchmark, with intervals.

    baseline:cnn, baseline:cnn_gru and baseline:act collect data and train a policy without a VLM first;
    baseline:random and baseline:zero look at nothing.
    """
    from robovlms.cli.scoring import score
    from robovlms.core.errors import UnknownName
    from robovlms.evaluation.shards import Shard
    from robovlms.evaluation.store import RESULTS
    from robovlms.reports.terminal import print_summary

    if benchmark not in BENCHMARKS:
        raise UnknownName("benchmark", benchmark, BENCHMARKS)
    names = tasks.split(",") if tasks is not None and "," in tasks else tasks
    settings = {"scene": scene, "num_chains": chains, "seed": seed}
    how: dict[str, Any] = {"workers": workers, "video": video, "resume": resume, "device": device}
    how |= {"embodiment": embodiment, "shard": Shard.parse(shard), "reply_timeout_s": reply_timeout}
    found = score(checkpoint, out, names, executor, settings, **how)
    if not (out / RESULTS).is_file():
        typer.echo(f"{out} has {len(found.episodes)} episodes of the whole. Next: robovlms merge {out} ... --out DIR")
        return
    print_summary([out], places={"Results": out / "results.json"}, next_steps=[f"robovlms report {out}"])
