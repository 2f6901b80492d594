"""What ``results.json`` says, checked and typed: chains, attempts and estimates with their intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robovlms.core.errors import CorruptData
from robovlms.statistics.intervals import Estimate

SCHEMA_VERSIONS = (1,)
NAMED = {
    "schema_version", "benchmark", "protocol", "protocol_digest", "checkpoint", "checkpoint_digest", "episodes", "metrics",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempt:
    """One task inside an episode; ``instruction`` is the sentence the policy was given."""

    task: str
    instruction: str
    success: bool
    steps: int | None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """One episode: the attempts up to the first failure, which ends it."""

    id: str
    attempts: tuple[Attempt, ...]
    valid: bool = True

    @property
    def solved(self) -> int:
        """Tasks solved in a row from the start."""
        return sum(attempt.success for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluation.

    ``length`` is the number of tasks in a full chain (1 for single-task benchmarks); ``extra`` holds the fields the
    contract does not name, such as versions or the command line.
    """

    benchmark: str
    protocol: Mapping[str, Any]
    protocol_digest: str
    checkpoint: str
    checkpoint_digest: str
    metrics: Mapping[str, Estimate]
    chains: tuple[Chain, ...]
    length: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counted(self) -> list[Chain]:
        """The chains behind the numbers: those no infrastructure error ended."""
        return [chain for chain in self.chains if chain.valid]

    @property
    def headline(self) -> str | None:
        """Name of the metric that sums the evaluation up, None when no metric was written."""
        preferred = ("average_length", "success", *self.metrics)
        return next((name for name in preferred if name in self.metrics), None)

    @property
    def tasks(self) -> list[str]:
        """The tasks of the protocol, or those attempted where the protocol does not list any."""
        named = self.protocol.get("tasks")
        if isinstance(named, list | tuple) and named:
            return [str(name) for name in named]
        return sorted({attempt.task for chain in self.chains for attempt in chain.attempts})


def read_outcome(path: Path, data: Mapping[str, Any]) -> Outcome:
    """Check the contents of a ``results.json``.

    Raises:
        CorruptData: a field has the wrong type or is missing; the message names the file and the field.
    """
    version = data.get("schema_version")
    if version not in SCHEMA_VERSIONS:
        raise CorruptData(f"{path}: got schema_version {version!r}, expected one of {list(SCHEMA_VERSIONS)}.")
    raw = _typed(path, data, "episodes", list)
    chains = tuple(_chain(path, index, item) for index, item in enumerate(raw))
    metrics = {name: read_estimate(path, name, item) for name, item in _typed(path, data, "metrics", dict).items()}
    protocol, protocol_digest = _named(data, "protocol")
    checkpoint, checkpoint_digest = _named(data, "checkpoint")
    ranks = [int(name[8:]) for name in metrics if name.startswith("success_") and name[8:].isdigit()]
    length = max([*ranks, *(len(chain.attempts) for chain in chains), 1])
    return Outcome(
        benchmark=str(data.get("benchmark", "")),
        protocol=protocol if isinstance(protocol, dict) else {"name": protocol},
        protocol_digest=protocol_digest,
        checkpoint=str(checkpoint.get("path", checkpoint) if isinstance(checkpoint, dict) else checkpoint or ""),
        checkpoint_digest=checkpoint_digest,
        metrics=metrics,
        chains=chains,
        length=length,
        extra={name: value for name, value in data.items() if name not in NAMED},
    )


def read_estimate(path: Path, name: str, item: Any) -> Estimate:
    """Read ``{'value': x, 'ci95': [low, high], 'n': count}``; without an interval its ends are NaN, without n it is 0.

    Raises:
        CorruptData: the value is not a number or the interval is not a pair of them.
    """
    try:
        low, high = item.get("ci95") or (float("nan"), float("nan"))
        return Estimate(float(item["value"]), float(low), float(high), int(item.get("n") or 0))
    except (TypeError, ValueError, KeyError, AttributeError):
        raise CorruptData(
            f"{path}: metric '{name}' is {item!r:.80}, expected {{'value': x, 'ci95': [low, high], 'n': count}}."
        ) from None


def _typed(path: Path, data: Mapping[str, Any], key: str, kind: type, where: str = "") -> Any:
    value = data.get(key)
    if not isinstance(value, kind):
        raise CorruptData(f"{path}: '{where}{key}' is {value!r:.80}, expected a {kind.__name__}.")
    return value


def _named(data: Mapping[str, Any], key: str) -> tuple[Any, str]:
    """A field and its digest, which stands beside it (``protocol_digest``) or inside it (``protocol.digest``)."""
    value = data.get(key, {})
    inner = value.get("digest") if isinstance(value, dict) else None
    return value, str(data.get(f"{key}_digest") or inner or "")


def _chain(path: Path, index: int, item: Any) -> Chain:
    where = f"episodes[{index}]."
    if not isinstance(item, dict):
        raise CorruptData(f"{path}: 'episodes[{index}]' is {item!r:.80}, expected an object.")
    attempts = []
    for task in _typed(path, item, "tasks", list, where):
        attempts.append(_attempt(path, where, task))
        if not attempts[-1].success:
            break  # What was never begun is no attempt, also where a writer lists it.
    return Chain(str(item.get("id", index)), tuple(attempts), valid=item.get("status", "ok") == "ok")


def _attempt(path: Path, where: str, item: Any) -> Attempt:
    if not isinstance(item, dict):
        raise CorruptData(f"{path}: '{where}tasks' holds {item!r:.80}, expected objects.")
    steps, failure = item.get("steps"), item.get("failure")
    return Attempt(
        task=str(item.get("task", "?")),
        instruction=str(item.get("instruction", "")),
        success=_typed(path, item, "success", bool, f"{where}tasks."),
        steps=int(steps) if isinstance(steps, int | float) else None,
        failure=None if failure is None else str(failure),
    )

