"""``robovlms demos``: collect demonstrations with scripted experts."""

from pathlib import Path
from typing import Annotated, Any

import typer

WORLDS = ("tabletop", "metaworld")
FORMATS = ("lerobot",)


def demos(
    world: Annotated[str, typer.Argument(help="The world to collect in: tabletop or metaworld.")],
    out: Annotated[Path, typer.Option(help="Folder to create.")],
    scenes: Annotated[str, typer.Option(help="Scenes of the tabletop to collect in, for example ABC.")] = "D",
    tasks: Annotated[
        str, typer.Option(help="all, a named set (metaworld: mt10), or task names joined by commas.")
    ] = "all",
    episodes: Annotated[int, typer.Option(help="Number of demonstrations.")] = 500,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same bytes.")] = 0,
    format: Annotated[str, typer.Option(help="Format on disk: lerobot.")] = "lerobot",
    image_size: Annotated[int, typer.Option(min=16, max=1024, help="Side of both cameras' images, in pixels.")] = 64,
    image_format: Annotated[str, typer.Option(help="png, jpeg or mp4.")] = "png",
    world_python: Annotated[
        str | None, typer.Option(help="Interpreter that has metaworld: make world-metaworld builds .venvs/metaworld.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes; the result does not depend on it. 0 = one per core.")
    ] = 0,
) -> None:
    """Collect demonstrations with scripted experts, balanced over tasks; on the tabletop in chains."""
    from robovlms.cli.tabletop_demos import collect_shown, collect_with_progress
    from robovlms.core.errors import UnknownName, UserError

    for kind, got, choices in (
        ("world", world, WORLDS),
        ("format", format, FORMATS),
        ("image format", image_format, ("png", "jpeg", "mp4")),
    ):
        if got not in choices:
            raise UnknownName(kind, got, choices)
    names = tasks.split(",") if "," in tasks else tasks
    plan: dict[str, Any] = {
        "num_episodes": episodes,
        "seed": seed,
        "image_size": image_size,
        "image_format": image_format,
    }
    if world == "tabletop":
        if world_python is not None:
            raise UserError(f"Got --world-python {world_python}: the tabletop runs in this interpreter. Leave it out.")
        collect_with_progress(out, names, workers, scenes=scenes, **plan)
        return
    from robovlms.demos.metaworld import MetaWorldPlan, require_metaworld
    from robovlms.worlds.metaworld.tasks import task_set

    chosen = MetaWorldPlan(tasks=task_set(names), world_python=world_python, **plan)
    require_metaworld(world_python)  # refuses here rather than in every worker
    collect_shown(chosen, out, workers)
