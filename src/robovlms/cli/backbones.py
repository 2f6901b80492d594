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
        "?: no source was at hand. Any other image-text-to-text model of transformers is served, too, if it agrees "
        "with its own forward when it is loaded. A family's random miniature is --model.backbone.path tiny:ID.",
        highlight=False,
    )


def catalogue() -> list[dict[str, Any]]:
    """A record a family: id, name, model types, how images reach its language model, miniatures, checkpoints."""
    from dataclasses import asdict

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
            "checkpoints": [
                {name: value for name, value in asdict(known).items() if name not in ("family", "settings")}
                | {"parameters_checked": bool(known.settings and known.billions)}
                for known in checkpoints_of(family.id)
            ],
        }
        for family in FAMILIES
    ]


def _way(family: type) -> str:
    """How images reach the language model."""
    from robovlms.backbones.cross_attention import CrossAttentionBackbone
    from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone

    if issubclass(family, CrossAttentionBackbone):
        return "cross-attention"
    return "encoder-decoder" if issubclass(family, EncoderDecoderBackbone) else "splice"


def _table(listed: list[dict[str, Any]]) -> Any:
    """A section a family; whole at 80 columns. A question mark: no source was at hand."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("backbone", no_wrap=True)
    for heading in ("size", "pixels", "tokens"):
        table.add_column(heading, justify="right")
    table.add_column("licence")
    for family in listed:
        table.add_row(f"[bold]{family['id']}[/] ({family['name']})")
        for known in family["checkpoints"]:
            size = f"{known['billions']:g} B" if known["billions"] else "?"
            facts = (size, str(known["image_size"]), str(known["num_tokens"]), known["licence"] or "?")
            table.add_row(f"  {known['hub_id']}", *facts)
    return table
