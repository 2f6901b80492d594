"""Where a run's numbers come from: protocol, checkpoint, model, data, software, flattened into rows of text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from robovlms.reports.outcomes import Outcome
from robovlms.reports.runs import Run

GROUPS = {"model": "Model", "data": "Data", "versions": "Software"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Titled tables of (name, text) and the whole experiment as JSON, to be folded away."""

    label: str
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    config: str


def provenance(run: Run) -> Provenance:
    """Everything needed to repeat a run, as far as its files say it."""
    groups = [("Evaluation", _evaluation(run.outcome))] if run.outcome else []
    scalars = {name: value for name, value in run.experiment.items() if not isinstance(value, dict)}
    groups.append(("Training run", _rows(scalars)))
    groups += [(title, _rows(run.experiment.get(name, {}))) for name, title in GROUPS.items()]
    kept = tuple((title, rows) for title, rows in groups if rows)
    config = json.dumps(run.experiment, indent=2, sort_keys=True, ensure_ascii=False) if run.experiment else ""
    return Provenance(run.label, kept, config)


def _evaluation(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    head = {
        "benchmark": outcome.benchmark,
        "protocol digest": outcome.protocol_digest,
        "checkpoint": outcome.checkpoint,
        "checkpoint digest": outcome.checkpoint_digest,
    }
    protocol = {name: value for name, value in outcome.protocol.items() if name != "digest"}
    return (*((name, text) for name, text in head.items() if text), *_rows(protocol, "protocol."), *_rows(outcome.extra))


def _rows(value: Any, prefix: str = "") -> tuple[tuple[str, str], ...]:
    return tuple(_flatten(value, prefix)) if isinstance(value, Mapping) else ()


def _flatten(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flatten(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _text(item)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
