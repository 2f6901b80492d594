"""``robovlms import-checkpoint``: a published RoboVLMs checkpoint as one of ours, and whether it does the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robovlms.upstream.kit import Comparison


def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(help="The published .pt file.")],
    config: Annotated[Path, typer.Option(help="The JSON file it was trained with.")],
    vlm: Annotated[Path | None, typer.Option(help="Hugging Face folder of its VLM.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write.")] = None,
    check: Annotated[Path | None, typer.Option(help="Parity kit to compare with.")] = None,
    conventions: Annotated[
        str | None,
        typer.Option(help="What its actions mean: calvin, bridge or tabletop; default: as its training set."),
    ] = None,
    statistics: Annotated[
        Path | None, typer.Option(help="dataset_statistics_*.json of the robot, where the training set is RLDS data.")
    ] = None,
    parity: Annotated[
        bool, typer.Option("--parity", help="Repeat the original's errors, too (docs/import.md lists them).")
    ] = False,
    max_text_tokens: Annotated[
        int | None, typer.Option(min=8, help="Longest instruction, wording included, that it shall take when acting.")
    ] = None,
) -> None:
    """Turn a checkpoint of the published RoboVLMs code into a checkpoint of ours."""
    from robovlms.core.errors import UserError
    from robovlms.upstream.check import check_policy
    from robovlms.upstream.check_heads import check_heads, holds_heads
    from robovlms.upstream.importing import Source
    from robovlms.upstream.importing import import_checkpoint as write

    if holds_heads(config):
        if check is None:
            raise UserError(f"{config} describes heads without a VLM: there is nothing to import. Add --check KIT.")
        _report(check_heads(checkpoint, config, check))
        return
    if vlm is None or out is None:
        raise UserError("Say with --vlm where the VLM's folder is, and with --out where to write.")
    written = write(Source(checkpoint, config, vlm, conventions, parity, max_text_tokens, statistics), out)
    typer.echo(f"Checkpoint  {written}")
    if check is not None:
        _report(check_policy(written, check))


def _report(comparison: "Comparison") -> None:
    from robovlms.core.errors import WorkFailed

    width = max(len(difference.name) for difference in comparison.found)
    typer.echo(f"{'output':{width}}  difference  values up to")
    for difference in comparison.found:
        mark = "" if difference.holds else "  DIFFERS"
        typer.echo(f"{difference.name:{width}}  {difference.largest:10.1e}  {difference.scale:12.3g}{mark}")
    for name in comparison.left_out:
        typer.echo(f"{name:{width}}  not compared")
    failed = [difference.name for difference in comparison.found if not difference.holds]
    typer.echo(f"{len(comparison.found) - len(failed)} of {len(comparison.found)} outputs agree; {comparison.summary}")
    if failed:
        raise WorkFailed(f"These outputs are not those of the kit: {', '.join(failed)}.")
