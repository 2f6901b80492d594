"""``robovlms data``: measure a data set, check that its conventions are what they are said to be, convert it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robovlms.data.source import SourceConfig

SETTINGS = {"ignore_unknown_options": True}
data = typer.Typer(help="Measure a data set, check its conventions, convert it.", no_args_is_help=True)

Arguments = Annotated[
    list[str],
    typer.Argument(metavar="PATH [--a.b VALUE]...", help="The data set, then settings: --convention aloha."),
]
Kind = Annotated[str | None, typer.Option(help="lerobot, rlds, hdf5 ...; found by looking when left out.")]
ConfigFile = Annotated[Path | None, typer.Option(help="An experiment's file, whose settings of this data are used.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave damaged episodes out, and say which.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@data.command(context_settings=SETTINGS)
def inspect(
    arguments: Arguments,
    kind: Kind = None,
    config: ConfigFile = None,
    skip_bad: SkipBad = False,
    html: Annotated[Path | None, typer.Option(help="Write one offline HTML file, too.")] = None,
    sheet: Annotated[int, typer.Option(min=0, help="Episodes on the contact sheet.")] = 6,
    json_: AsJSON = False,
) -> None:
    """Show episodes, tasks, cameras, lengths, histograms and a contact sheet."""
    from rich.console import Console

    from robovlms.cli import data_inspect as told

    found = told.look(opened(arguments, kind, config, skip_bad), sheet, quiet=json_)
    console = Console(highlight=False)
    if json_:
        typer.echo(json.dumps(told.as_dict(found), indent=2))
    else:
        told.tell(found, console)
    if html:
        from robovlms.reports.data_page import write_data_page

        place = write_data_page(found, html)
        console.print(f"Page: {place}", markup=False, soft_wrap=True) if not json_ else None


@data.command(context_settings=SETTINGS)
def stats(
    arguments: Arguments,
    kind: Kind = None,
    config: ConfigFile = None,
    skip_bad: SkipBad = False,
    out: Annotated[Path | None, typer.Option(help="The file; default: statistics.json beside the data.")] = None,
    keep: Annotated[int, typer.Option(min=1000, help="Rows remembered for quantiles, exact up to as many.")] = 10**6,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the quantiles do not depend on it.")] = 1,
    json_: AsJSON = False,
) -> None:
    """Measure every number of the actions and the state, and save it beside the data."""
    from robovlms.cli.data_stats import measure, table
    from robovlms.cli.skipped import tell_skipped
    from robovlms.data.dataset_statistics import beside, save

    settings = opened(arguments, kind, config, skip_bad)
    found = measure(settings, keep, workers, quiet=json_)
    place = out or beside(settings.path)
    save(place, found)
    if json_:
        typer.echo(found.model_dump_json(indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(table(found))
    tell_skipped(found.skipped, console)
    console.print(f"Statistics: {place}", markup=False, soft_wrap=True)


@data.command(context_settings=SETTINGS)
def doctor(
    arguments: Arguments,
    kind: Kind = None,
    config: ConfigFile = None,
    skip_bad: SkipBad = False,
    validation: Annotated[Path | None, typer.Option(help="Validation data, searched for training episodes.")] = None,
    statistics: Annotated[Path | None, typer.Option(help="Statistics to hold against the data.")] = None,
    episodes: Annotated[int, typer.Option(min=0, help="Episodes whose frames are looked at, spread evenly.")] = 100,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Make each known mistake in 60 episodes, and see which are noticed.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Play 20 episodes again in the world they are from, and compare.")
    ] = False,
    world_python: Annotated[
        str | None, typer.Option(help="Interpreter that has metaworld, for --replay: make world-metaworld builds one.")
    ] = None,
    json_: AsJSON = False,
) -> None:
    """Verify conventions against the data. Exit code 1 where a finding is an error."""
    from rich.console import Console

    from robovlms.cli import data_doctor as told
    from robovlms.core.errors import UserError

    if world_python is not None and not replay:
        raise UserError(
            f"Got --world-python {world_python} without --replay, which plays there. Add it, or leave both."
        )
    again = told.replay_in(world_python) if replay else None
    settings = opened(arguments, kind, config, skip_bad)
    console = Console(highlight=False)
    if self_test:
        found = told.self_test(settings, json_, again)
        typer.echo(json.dumps(asdict(found), indent=2)) if json_ else console.print(told.table(found))
        return
    other = opened([str(validation), *arguments[1:]], kind, config, skip_bad) if validation else None
    diagnosis = told.diagnosis(settings, other, statistics, episodes, json_, again)
    if json_:
        typer.echo(json.dumps(asdict(diagnosis), indent=2))
    else:
        told.tell(diagnosis, console)
    if diagnosis.failed:
        raise typer.Exit(1)


@data.command(context_settings=SETTINGS)
def convert(
    arguments: Arguments,
    to: Annotated[str, typer.Option(help="lerobot (v3.0), rlds or calvin.")],
    out: Annotated[Path, typer.Option(help="The folder to create.")],
    images: Annotated[str, typer.Option(help="png (exact), jpeg, or mp4 for lerobot.")] = "png",
    kind: Kind = None,
    config: ConfigFile = None,
    skip_bad: SkipBad = False,
    json_: AsJSON = False,
) -> None:
    """Write a data set in another format, read it back, and say what was lost on the way."""
    from rich.console import Console

    from robovlms.cli import data_convert as work
    from robovlms.core.errors import UnknownName

    if images not in (known := ("png", "jpeg", "mp4")):
        raise UnknownName("image format", images, known)
    found = work.run(opened(arguments, kind, config, skip_bad), out, to, images, quiet=json_)
    if json_:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        work.tell(found, out, Console(highlight=False))


@data.command(context_settings=SETTINGS)
def cache(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE] [--a.b.c VALUE]...", help="As for train: what will be trained."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="An experiment as a YAML or JSON file.")] = None,
    data: Annotated[list[Path] | None, typer.Option(help="Data set folder; may be repeated.")] = None,
    cache: Annotated[Path, typer.Option(help="The folder that keeps decoded frames.")] = Path("runs/cache"),
    estimate: Annotated[bool, typer.Option("--estimate", help="Say how large it will be; decode nothing.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Compare every checksum.")] = False,
    encoded: Annotated[
        bool, typer.Option("--encoded", help="Keep image files instead of pixels: smaller, decoded while training.")
    ] = False,
    skip_bad: SkipBad = False,
) -> None:
    """Decode an experiment's frames beforehand, for train --cache; goes on where a killed run was."""
    from rich.console import Console

    from robovlms.cli.data_cache import decode
    from robovlms.cli.train import load_experiment

    experiment = load_experiment(arguments or [], config, data or [], None, None, skip_bad)
    decode(experiment, cache, Console(highlight=False), estimate, verify, encoded)


def opened(arguments: list[str], kind: str | None, config: Path | None, skip_bad: bool) -> "SourceConfig":
    """The settings that the command line describes, validated."""
    from robovlms.core.config import parse_overrides, read_file
    from robovlms.core.errors import UserError
    from robovlms.data.detect import source_config

    path, *settings = arguments
    if path.startswith("--"):
        raise UserError(f"Got '{path}' first, expected the path of the data set, then settings.")
    overrides = parse_overrides(settings) | ({"skip_bad": True} if skip_bad else {})
    if config is None:
        return source_config(Path(path), overrides, kind)
    known = _entry(read_file(config).get("data"), path, config)
    return source_config(Path(path), {**known, **overrides}, kind or known.get("kind"))


def _entry(entries: object, path: str, file: Path) -> dict:
    """The file's settings of this data: its only entry's, or those of the entry with this path."""
    from robovlms.core.errors import UserError

    listed = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    found = listed if len(listed) == 1 else [entry for entry in listed if str(entry.get("path")) == path]
    if len(found) != 1:
        raise UserError(f"{file}: got {len(found)} entries of 'data' with path {path}, expected one. Correct the path.")
    return {name: value for name, value in found[0].items() if name != "path"}
