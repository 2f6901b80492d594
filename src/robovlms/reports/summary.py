"""The numbers a page opens with: one card a run, the success ladder, and whether runs may be compared at all."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from robovlms.core.protocols import SIMPLE
from robovlms.reports.runs import Run
from robovlms.reports.scales import compact, seconds
from robovlms.statistics.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Card:
    """One run in a sentence: a big number, what it counts, its interval, and the facts around it."""

    label: str
    value: str
    unit: str
    interval: str
    estimate: Estimate | None
    high: float
    facts: tuple[tuple[str, str], ...]


def card(run: Run) -> Card:
    """The headline of one run: its evaluation, else its open-loop error, else that neither exists."""
    outcome = run.outcome
    if outcome is not None and outcome.headline:
        name, estimate = outcome.headline, outcome.metrics[outcome.headline]
        length = name == "average_length"
        return Card(
            run.label,
            f"{estimate.value:.2f}" if length else percent(estimate.value),
            f"tasks in a row on average, of {outcome.length}" if length else name.replace("_", " "),
            interval(estimate, rate=not length),
            estimate,
            outcome.length if length else 1.0,
            facts(run),
        )
    if run.open_loop:
        name, estimate = run.open_loop[0]
        unit = f"open-loop error of {name} on held-out data"
        return Card(run.label, compact(estimate.value), unit, interval(estimate), estimate, 0.0, facts(run))
    return Card(run.label, "?", "not evaluated", "", None, 0.0, facts(run))


def facts(run: Run) -> tuple[tuple[str, str], ...]:
    """Name and text of what a reader asks first: what was evaluated, on what, and what it cost."""
    rows = [*_evaluation_facts(run), *_model_facts(run.experiment), *_training_facts(run)]
    return tuple((name, text) for name, text in rows if text)


def _evaluation_facts(run: Run) -> list[tuple[str, str]]:
    if run.outcome is None:
        return []
    outcome, protocol = run.outcome, run.outcome.protocol
    chains = f"{len(outcome.chains):,}" + (f" of {outcome.planned:,}: stopped" if outcome.planned else "")
    return [
        ("Policy", "/".join(PurePath(outcome.checkpoint).parts[-2:])),
        ("Benchmark", outcome.benchmark),
        ("Scene", str(protocol.get("scene", ""))),
        ("Setting", "" if protocol["setting"] == SIMPLE else protocol["setting"].replace("_", " ")),
        ("Chains" if outcome.length > 1 else "Episodes", chains),
        ("Tasks", f"{len(outcome.tasks)}"),
    ]


def _model_facts(experiment: Mapping[str, Any]) -> list[tuple[str, str]]:
    total, trainable = find(experiment, "model.parameters"), find(experiment, "model.trainable")
    size = compact(total) if isinstance(total, int) else ""
    part = f", {compact(trainable)} trained" if size and isinstance(trainable, int) else ""
    sources, frames = find(experiment, "data.sources") or [], find(experiment, "data.frames")
    counts = [source.get("episodes", 0) for source in sources if isinstance(source, Mapping)]
    episodes = sum(count for count in counts if isinstance(count, int))
    length = f" ({frames:,} frames)" if isinstance(frames, int) else ""
    return [
        ("Model", str(find(experiment, "model.kind") or "")),
        ("Backbone", _backbone(experiment)),
        ("Parameters", size + part),
        ("Demonstrations", f"{episodes:,}{length}" if episodes else ""),
    ]


def _training_facts(run: Run) -> list[tuple[str, str]]:
    clock = [row["elapsed_s"] for row in run.training if isinstance(row.get("elapsed_s"), int | float)]
    seed = find(run.experiment, "seed")
    return [("Training time", seconds(max(clock)) if clock else ""), ("Seed", "" if seed is None else str(seed))]


def _backbone(experiment: Mapping[str, Any]) -> str:
    path = find(experiment, "experiment.model.backbone.path")
    note = " (not pre-trained)" if find(experiment, "experiment.model.backbone.vl_pretrained") is False else ""
    return f"{PurePath(path).name}{note}" if isinstance(path, str) else ""


def find(data: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of nested mappings, None when the path leads nowhere."""
    node: Any = data
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def percent(value: float) -> str:
    """A rate as whole percent; one decimal where rounding would claim certainty (99.6 is not 100)."""
    rounded = round(100 * value)
    return f"{100 * value:.1f} %" if rounded in (0, 100) and 0 < value < 1 else f"{rounded} %"


def interval(estimate: Estimate, rate: bool = False) -> str:
    """``3.10 to 3.73`` or ``60 to 96 %``; says so when there is none."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return "no interval"
    if rate:
        return f"{100 * estimate.low:.0f} to {100 * estimate.high:.0f} %"
    return (
        f"{estimate.low:.2f} to {estimate.high:.2f}"
        if estimate.high >= 0.1
        else (f"{compact(estimate.low)} to {compact(estimate.high)}")
    )


def ladder(runs: Sequence[Run]) -> list[tuple[int, list[Estimate | None]]]:
    """For 1, 2, ... tasks in a row: the success of every run, None where a run does not report it."""
    lengths = [run.outcome.length for run in runs if run.outcome and "success_1" in run.outcome.metrics]
    ranks = range(1, max(lengths, default=0) + 1)
    return [
        (rank, [run.outcome.metrics.get(f"success_{rank}") if run.outcome else None for run in runs]) for rank in ranks
    ]


def protocol_differences(runs: Sequence[Run]) -> list[str]:
    """Why the evaluations are no like-for-like comparison; empty when they are one."""
    outcomes = [run.outcome for run in runs if run.outcome]
    if len({(outcome.benchmark, outcome.protocol_digest) for outcome in outcomes}) < 2:
        return []
    names = sorted({name for outcome in outcomes for name in outcome.protocol})
    columns = {name: [outcome.protocol.get(name) for outcome in outcomes] for name in names}
    different = [name for name, got in columns.items() if any(value != got[0] for value in got)]
    lines = [f"{name.replace('_', ' ')}: {' / '.join(map(_short, columns[name]))}" for name in different]
    return lines or ["protocol digest: " + " / ".join(outcome.protocol_digest or "none" for outcome in outcomes)]


def _short(value: Any) -> str:
    return f"{len(value)} named" if isinstance(value, list) and len(value) > 3 else str(value)
