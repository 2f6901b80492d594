"""``robovlms compare``: two policies on the same episodes, or two recipes by several runs of each."""

import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from robovlms.core.errors import UserError

if TYPE_CHECKING:
    from robovlms.evaluation.comparison import Comparison, Difference

SEVERAL = "results.json, or the folder that holds it; a quoted pattern ('runs/a-*') names several runs of a recipe."


def compare(
    first: Annotated[str, typer.Argument(metavar="RESULTS_A", help=SEVERAL)],
    second: Annotated[str, typer.Argument(metavar="RESULTS_B", help="The other, likewise.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare two evaluations episode by episode, or two recipes run by run: B minus A, with 95 % intervals."""
    from robovlms.evaluation.comparison import compare as paired
    from robovlms.evaluation.comparison import compare_runs
    from robovlms.evaluation.results import load

    one, other = ([load(path) for path in _files(given)] for given in (first, second))
    found = paired(one[0], other[0]) if len(one) == len(other) == 1 else compare_runs(one, other)
    if json_:
        typer.echo(json.dumps(_record(found), indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"A  {first}\nB  {second}", markup=False, soft_wrap=True)
    console.print(_table(found))
    console.print(_verdict(found), style="bold")
    console.print(_how(found))
    for name, (one, other) in found.settings.items():
        console.print(f"They differ in {name.replace('_', ' ')}: {one} and {other}.", markup=False)


def _files(given: str) -> list[Path]:
    """A file or folder, or all that a pattern names."""
    try:
        whole = Path(given).expanduser()
        found = [whole] if whole.exists() else Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))
        return sorted(found) or [whole]
    except (ValueError, RuntimeError) as error:  # a pattern pathlib cannot read, a home that is nobody's
        raise UserError(f"{given} names no results: {error}") from None


def _verdict(found: "Comparison") -> str:
    main = found.metrics[_main(found)]
    words, *_, size, _ = _row(_main(found), main)
    if not main.separable:
        return f"Not separable: B - A is {words} {size}."
    return f"{'B is better than A' if main.difference.value > 0 else 'A is better than B'}: B - A is {words} {size}."


def _main(found: "Comparison") -> str:
    """Average length where episodes are chains of tasks, else success."""
    return "average_length" if "success_2" in found.metrics else "success"


def _how(found: "Comparison") -> str:
    one, other = found.num_runs
    way = f"{found.num_pairs} episodes paired; p is exact McNemar's"
    if found.stopped:
        way = f"{found.num_pairs} episodes paired, until it was decided; intervals and p hold whenever one stops"
    if (one, other) != (1, 1):
        way = f"{one} runs against {other}, on {found.num_pairs} episodes; intervals and p are Welch's, over runs"
    left_out = f" {found.left_out} episodes are not in all, or an infrastructure error ended them." * bool(
        found.left_out
    )
    return f"{way}. Intervals are 95 %.{left_out}{_stopping(found)}"


def _stopping(found: "Comparison") -> str:
    """What looking after every episode, in the order of their ids, would have told."""
    if found.num_runs != (1, 1):
        return ""
    if found.decided is None:
        return " Looking after every episode, nothing would be decided yet."
    better = "B" if found.decided.better > 0 else "A"
    return f" Looking after every episode, {better} would have been known to be better after {found.decided.n}."


def _table(found: "Comparison") -> Any:
    from rich.table import Table

    table = Table()
    for heading in ("", "A", "B", "B - A", "p"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    shown = {name for name in found.metrics if name != "success"} if _main(found) != "success" else {"success"}
    for name, metric in found.metrics.items():
        if name in shown:
            table.add_row(*_row(name, metric), style="bold" if name == _main(found) else "")
    return table


def _row(name: str, metric: "Difference") -> tuple[str, ...]:
    number = name.removeprefix("success_")
    words = f"{number} in a row" if number.isdigit() else name.replace("_", " ")
    scale, digits = (1.0, ".2f") if name == "average_length" else (100.0, ".0f")
    unit = "" if name == "average_length" else " %"
    gap = metric.difference
    between = f"[{scale * gap.low:+{digits}}, {scale * gap.high:+{digits}}]" if isfinite(gap.low) else "(unknown)"
    values = (f"{scale * value:{digits}}{unit}" for value in (metric.first, metric.second))
    p_value = "" if metric.p_value is None else f"{metric.p_value:.3f}" if metric.p_value >= 0.001 else "< 0.001"
    return words, *values, f"{scale * gap.value:+{digits}} {between}", p_value


def _record(found: "Comparison") -> dict[str, Any]:
    """Differences are B minus A; ``p_value`` is null for means of two policies, bounds where runs do not vary.

    ``decided`` says where looking after every episode could have stopped, null for never and for recipes.
    """
    metrics = {
        name: {
            "a": metric.first,
            "b": metric.second,
            "difference": metric.difference.value,
            "ci95": [bound if isfinite(bound) else None for bound in (metric.difference.low, metric.difference.high)],
            "p_value": metric.p_value,
            "separable": metric.separable,
        }
        for name, metric in found.metrics.items()
    }
    settings = {name: {"a": one, "b": other} for name, (one, other) in found.settings.items()}
    decided = found.decided and {"n": found.decided.n, "better": "b" if found.decided.better > 0 else "a"}
    return {
        "n": found.num_pairs,
        "decided": decided,
        "stopped": found.stopped,
        "runs": list(found.num_runs),
        "left_out": found.left_out,
        "metrics": metrics,
        "differ": settings,
    }
