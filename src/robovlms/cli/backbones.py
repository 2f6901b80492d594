"""``robovlms backbones``: the VLM families, and what is published of each."""

import json
from typing import Annotated, Any

import typer


def backbones(json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List the VLM families: checkpoints, sizes, licences, and the names that --model.backbone.path takes."""
    listed = catalogue()
    if json_:
        typer.echo(json.dumps(listed, indent=2))
        return
    from rich.console import Console

    console = Console()
    console.print(_table(listed))
    console.print(
        "?: not verified. none: the hub names no licence. --json says of each fact how it was verified. Any other "
        "image-text-to-text model of transformers is served, too, if it agrees with its own forward when it is loaded. "
        "A family's random miniature is --model.backbone.path tiny:ID.",
        highlight=False,
    )


def catalogue() -> list[dict[str, Any]]:
    """A record a family: id, name, model types, how images reach its language model, miniatures, checkpoints.

    The keys are those of ``docs/backbones.md``.
    """
    from robovlms.backbones.load import FAMILIES, TINY_PREFIX
    from robovlms.backbones.sizes import checkpoints_of
    from robovlms.backbones.tiny import variants

    return [
        {
            "id": family.id,
            "name": family.name,
            "model_types": sorted({kind for one in family.classes for kind in one.model_types}),
            "images": sorted({_way(one) for one in family.classes}),
            "tiny": [TINY_PREFIX + name for name in sorted(variants()) if name.split("-")[0] == family.id],
            "checkpoints": [_facts(known) for known in checkpoints_of(family.id)],
        }
        for family in FAMILIES
    ]


def _facts(known: Any) -> dict[str, Any]:
    """A checkpoint's facts, how each that the hub states was verified (null: it was not), and what the tests count."""
    from dataclasses import asdict

    from robovlms.backbones.real_configs import REAL_CONFIGS

    facts = {name: value for name, value in asdict(known).items() if name != "family"}
    verified = {fact: known.verified.get(fact) for fact in ("billions", "licence", "revision")}
    return facts | {"verified": verified, "parameters_checked": bool(known.hub_id in REAL_CONFIGS and known.billions)}


def _way(family: type) -> str:
    """How images reach the language model."""
    from robovlms.backbones.cross_attention import CrossAttentionBackbone
    from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone

    if issubclass(family, CrossAttentionBackbone):
        return "cross-attention"
    return "encoder-decoder" if issubclass(family, EncoderDecoderBackbone) else "splice"


def _table(listed: list[dict[str, Any]]) -> Any:
    """A section a family; whole at 80 columns. A question mark: not verified."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("backbone", no_wrap=True)
    for heading in ("size", "px", "tokens"):
        table.add_column(heading, justify="right")
    table.add_column("licence")
    for family in listed:
        table.add_row(f"[bold]{family['id']}[/] ({family['name']})")
        for known in family["checkpoints"]:
            size = f"{known['billions']:g}B" if known["billions"] else "?"
            licence = known["licence"] or ("none" if known["verified"]["licence"] else "?")
            facts = (size, str(known["image_size"]), str(known["num_tokens"]), licence)
            table.add_row(f" {known['hub_id']}", *facts)
    return table
