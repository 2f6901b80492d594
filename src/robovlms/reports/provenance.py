"""Where a run's numbers come from: protocol, checkpoint, model, data, software, flattened into rows of text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robovlms.reports.outcomes import Outcome
from robovlms.reports.runs import Run
from robovlms.reports.summary import find

GROUPS = {
    "Model": ("model", "experiment.model"),
    "Data": ("data",),
    "Training": ("experiment.training",),
    "Trained with": ("versions",),
}
"""Titles, and the places in ``experiment.json`` whose values stand below them."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Titled tables of (name, text) and the whole experiment as JSON, to be folded away."""

    label: str
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    config: str


def provenance(run: Run) -> Provenance:
    """Everything needed to repeat a run, as far as its files say it."""
    groups = []
    if run.outcome:
        groups += [("Evaluation", _evaluation(run.outcome)), ("Evaluated with", _rows({**run.outcome.versions}))]
    groups.append(("Evaluation cost", _rows(run.timing)))
    scalars = {name: value for name, value in run.experiment.items() if not isinstance(value, Mapping)}
    groups.append(("Training run", _rows(scalars)))
    groups += [(title, _rows(_merged(run.experiment, places))) for title, places in GROUPS.items()]
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
    return (*head.items(), *_rows({name: value for name, value in outcome.protocol.items() if name != "benchmark"}))


def _merged(experiment: Mapping[str, Any], places: Sequence[str]) -> dict[str, Any]:
    found = [find(experiment, place) for place in places]
    return {name: value for part in found if isinstance(part, Mapping) for name, value in part.items()}


def _rows(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple(_flatten(value, ()))


def _flatten(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flatten(item, (*path, str(name)))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value, 1):
            yield from _flatten(item, path if len(value) == 1 else (*path, str(index)))
    else:
        yield " / ".join(path), _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
