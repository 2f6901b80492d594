"""``robovlms plan``: how many episodes an answer takes, before any is played."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from robovlms.evaluation.planning import Plan


def plan(
    results: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RESULTS_A] [RESULTS_B]", help="A pilot: one policy, or two on the same episodes."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Interval wanted, +- this: points of success, or tasks in a row of a pilot.")
    ] = None,
    separate: Annotated[
        float | None, typer.Option(help="Difference to find between two policies: points, or tasks in a row.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Success rate expected, in percent; 50 needs the most episodes.")] = 50,
    disagree: Annotated[float, typer.Option(help="Percent of episodes that one of two policies alone solves.")] = 50,
    power: Annotated[float, typer.Option(help="Percent of times the difference shall be found.")] = 80,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a sentence.")] = False,
) -> None:
    """Say how many episodes are needed for an interval (--margin), or to tell two policies apart (--separate).

    With the results of a pilot, how far scores spread is measured on it instead of assumed.
    """
    from robovlms.core.errors import UserError
    from robovlms.evaluation.planning import plan_from_pilot, plan_rates

    try:
        if results:
            found = plan_from_pilot(results, margin, separate, power / 100)
        else:
            found = plan_rates(_share(margin), _share(separate), rate / 100, disagree / 100, power / 100)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"This is no plan: {error}") from None
    typer.echo(json.dumps(_record(found)) if json_ else _sentence(found))


def _sentence(found: "Plan") -> str:
    until = (
        f" With evaluate --against, which stops as soon as it is known, {found.stopping or 0:,} are enough as often."
    )
    return f"{found.episodes:,} episodes: {found.why}{until if found.stopping else ''}"


def _share(points: float | None) -> float | None:
    return None if points is None else points / 100


def _record(found: "Plan") -> dict[str, Any]:
    return {"episodes": found.episodes, "why": found.why, "stopping": found.stopping}
