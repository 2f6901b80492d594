"""``robovlms train``: a recipe or a file, its settings overridden one by one, to a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from robovlms.training.experiment import Experiment


def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE] [--a.b.c VALUE]...", help="A recipe's name (or use --config), then settings."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="An experiment as a YAML or JSON file.")] = None,
    data: Annotated[list[Path] | None, typer.Option(help="Data set folder; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; default runs/NAME.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of weights, order and noise.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Wall-clock budget of training.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A policy without a VLM in the recipe's place: cnn, cnn_gru or act. Or a model as JSON."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps decoded frames for further runs; default: the run's own.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave damaged episodes of all data sets out, and say which.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the experiment; train nothing.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
) -> None:
    """Train a policy. Any setting of the experiment is an option: --training.batch_size 32, --model.kind act."""
    experiment = load_experiment(arguments or [], config, data or [], seed, minutes, skip_bad, model)
    if dry_run:
        typer.echo(experiment.model_dump_json(indent=2))
        typer.echo(f"digest {experiment.digest()}")
        return
    from robovlms.cli.training import train_and_measure
    from robovlms.reports.terminal import print_summary

    folder = out or Path("runs") / experiment.name
    checkpoint = train_and_measure(experiment, folder, resume, cache)
    print_summary([folder], places={"Checkpoint": checkpoint}, next_steps=_next_steps(folder))


def _next_steps(run: Path) -> list[str]:
    """To look at the run, and to evaluate it where a benchmark's worlds mean the same by an action."""
    from robovlms.evaluation.benchmarks import benchmark_of
    from robovlms.policies.vla import manifest_of

    name = benchmark_of(manifest_of(run).action_spec)
    evaluation = [f"robovlms evaluate {run} --benchmark {name} --out {run}-evaluation"] if name else []
    return [f"robovlms report {run}", *evaluation]


def load_experiment(
    arguments: list[str],
    config: Path | None,
    data: list[Path],
    seed: int | None,
    minutes: float | None,
    skip_bad: bool = False,
    model: str | None = None,
) -> "Experiment":
    """The experiment these arguments describe, validated as a whole; ``skip_bad`` is set for all its data.

    ``model`` names a policy without a VLM that takes the recipe's place before any setting is applied; in braces it
    is one of the settings, as any other name.
    """
    from robovlms.core.config import merge, parse_overrides, read_file, validate
    from robovlms.core.errors import UserError
    from robovlms.recipes import RECIPES
    from robovlms.recipes import recipe as find
    from robovlms.recipes.baselines import without_vlm
    from robovlms.training.experiment import Experiment

    positional, settings = _split(arguments)
    recipe = positional.pop(0) if positional and config is None else None
    if recipe is None and config is None:
        raise UserError(f"Name one recipe ({', '.join(RECIPES)}) before any setting, or a file with --config.")
    data = data + [Path(text) for text in positional]
    base: dict[str, Any] = find(recipe)(data).model_dump(mode="json") if recipe else read_file(Path(str(config)))
    whole = model is not None and model.lstrip().startswith("{")
    overrides = parse_overrides([*settings, "--model", str(model)] if whole else settings)
    if config and data:
        base["data"] = _with_paths(base.get("data"), data)
    if model is not None and not whole:
        base = without_vlm(validate(Experiment, base), model).model_dump(mode="json")
    if seed is not None:
        overrides["training.seed"] = seed
    if minutes is not None:
        overrides["training.minutes"] = minutes
    experiment = validate(Experiment, merge(base, overrides))
    if not experiment.data:
        raise UserError("No data: add --data DIR (made by: robovlms demos tabletop --out DIR).")
    if not skip_bad:
        return experiment
    return experiment.model_copy(
        update={"data": tuple(entry.model_copy(update={"skip_bad": True}) for entry in experiment.data)}
    )


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The recipe and further data folders (``--data A B``) come before the settings."""
    first = next((i for i, text in enumerate(arguments) if text.startswith("--")), len(arguments))
    return arguments[:first], arguments[first:]


def _with_paths(entries: Any, data: list[Path]) -> list[dict[str, Any]]:
    """The file's data settings with other folders: one entry serves all, else they must be as many."""
    from robovlms.core.errors import UserError

    known = entries or [{"kind": "lerobot"}]
    if not isinstance(known, list) or not all(isinstance(entry, dict) for entry in known):
        raise UserError(f"The file's 'data' is {known!r:.80}, expected a list of settings, one entry a data set.")
    if len(known) not in (1, len(data)):
        raise UserError(f"--data names {len(data)} folders, the file has {len(known)} data entries.")
    known = known * len(data) if len(known) == 1 else known
    return [{**entry, "path": str(path)} for entry, path in zip(known, data, strict=True)]
