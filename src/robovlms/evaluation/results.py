"""``results.json``: what every episode did, and the metrics with their intervals that follow from it."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field, model_validator

from robovlms.core.config import Config, digest_of, parse
from robovlms.core.errors import CorruptData, UserError
from robovlms.core.files import read_json, write_json
from robovlms.evaluation.protocol import Protocol
from robovlms.statistics import sequential
from robovlms.statistics.intervals import Estimate, bootstrap_mean, wilson

SCHEMA_VERSION = 1

LIBRARIES = ("robovlms", "mujoco", "numpy", "torch", "transformers")
"""Libraries whose version may change an episode."""


class TaskResult(Config):
    """One attempted task. ``steps`` counts control steps; ``failure`` says why it ended without success.

    ``confidence`` is the policy's own, a mean over the steps that had one; None where none had.
    """

    task: str
    instruction: str
    success: bool
    steps: int
    failure: str | None = None
    confidence: float | None = Field(None, ge=0, le=1)


class EpisodeResult(Config):
    """One chain or episode: its tasks up to the first failure. An infrastructure error says nothing of the policy."""

    id: str
    initial_state: Any
    seed: int
    status: Literal["ok", "infrastructure_error"] = "ok"
    tasks: tuple[TaskResult, ...]
    error: str | None = None

    @property
    def num_solved(self) -> int:
        """Tasks solved in a row from the start."""
        return sum(task.success for task in self.tasks)

    @property
    def num_steps(self) -> int:
        """Control steps played."""
        return sum(task.steps for task in self.tasks)


class Metric(Config):
    """A value, its 95 % confidence interval, and the number of episodes behind it."""

    value: float
    ci95: tuple[float, float]
    n: int

    @classmethod
    def of(cls, estimate: Estimate) -> "Metric":
        """The same numbers in the file's form."""
        return cls(value=estimate.value, ci95=(estimate.low, estimate.high), n=estimate.n)


class Stopped(Config):
    """That and why an evaluation ended before all its episodes were played: it was known which policy is better.

    Attributes:
        after: Episodes played, the first in the order of ``mixed``.
        planned: Episodes it might have played.
        better: Whether this policy is the better one, and not the other.
        alpha: How often that is said where neither is, whenever one stops.
        against: The other policy.
        against_digest: The digest of its contents.
    """

    after: Annotated[int, Field(ge=1)]
    planned: Annotated[int, Field(ge=1)]
    better: bool
    alpha: Annotated[float, Field(gt=0, lt=1)]
    against: str
    against_digest: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The policy evaluated: where it came from (or ``baseline:NAME``) and the digest of its contents."""

    path: str
    digest: str


class Results(Config):
    """The contents of ``results.json``; nothing in it depends on the number of workers or the time a run took."""

    schema_version: Literal[1] = SCHEMA_VERSION
    benchmark: str
    protocol: Protocol
    protocol_digest: str
    checkpoint: str
    checkpoint_digest: str
    metrics: dict[str, Metric]
    versions: dict[str, str]
    episodes: tuple[EpisodeResult, ...]
    stopped: Annotated[Stopped | None, Field(exclude_if=lambda stopped: stopped is None)] = None

    @model_validator(mode="after")
    def _episodes_are_the_protocols(self) -> "Results":
        length, ids = self.protocol.chain_length, Counter(episode.id for episode in self.episodes)
        if twice := [name for name, count in ids.items() if count > 1]:
            raise ValueError(f"episode {twice[0]} is there twice")
        if long := [episode for episode in self.episodes if len(episode.tasks) > length]:
            raise ValueError(f"episode {long[0].id} has {len(long[0].tasks)} tasks, expected {length} at most")
        return self

    @property
    def num_infrastructure_errors(self) -> int:
        """Episodes that no metric counts."""
        return sum(episode.status != "ok" for episode in self.episodes)


def mixed(episode: str) -> str:
    """Where an episode stands when one looks after each: an order that ids fix, in which tasks come mixed."""
    return digest_of(episode)


def build(
    protocol: Protocol,
    checkpoint: Checkpoint,
    episodes: Iterable[EpisodeResult],
    stopped: Stopped | None = None,
    played_with: Mapping[str, str] | None = None,
) -> Results:
    """Results of an evaluation, its episodes sorted by id; ``played_with`` are other versions than those of now."""
    ordered = tuple(sorted(episodes, key=lambda episode: episode.id))
    return Results(
        benchmark=protocol.benchmark,
        protocol=protocol,
        protocol_digest=protocol.digest(),
        checkpoint=checkpoint.path,
        checkpoint_digest=checkpoint.digest,
        metrics=metrics_of(ordered, protocol.chain_length, whenever=stopped is not None),
        versions=versions() if played_with is None else dict(played_with),
        episodes=ordered,
        stopped=stopped,
    )


def metrics_of(episodes: Iterable[EpisodeResult], chain_length: int, *, whenever: bool = False) -> dict[str, Metric]:
    """Metrics over the episodes that no infrastructure error ended; empty when none is left.

    ``success_i`` is the rate of episodes with at least ``i`` tasks solved in a row (Wilson), ``average_length`` the
    mean number of them (bootstrap over episodes), ``success`` the rate of episodes solved to the end (Wilson). With
    ``whenever`` all intervals are those that hold whenever one stops.
    """
    ordered = sorted(episodes, key=lambda episode: mixed(episode.id))
    solved = np.array([float(episode.num_solved) for episode in ordered if episode.status == "ok"])
    if not len(solved):
        return {}
    rate, mean = (sequential.interval, sequential.interval) if whenever else (_wilson, bootstrap_mean)
    rates = {f"success_{i}": rate((solved >= i) * 1.0, bounds=(0.0, 1.0)) for i in range(1, chain_length + 1)}
    length = mean(solved, bounds=(0.0, float(chain_length)))
    estimates = {**rates, "average_length": length, "success": rates[f"success_{chain_length}"]}
    return {name: Metric.of(estimate) for name, estimate in estimates.items()}


def _wilson(successes: Float[np.ndarray, " n"], bounds: tuple[float, float]) -> Estimate:
    return wilson(int(successes.sum()), len(successes))


def versions() -> dict[str, str]:
    """Versions of Python, the machine's architecture and the libraries that act in an episode."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def write(results: Results, path: Path) -> None:
    """Write a results file; a reader sees either the old file or the whole new one."""
    write_json(path, results.model_dump(mode="json"), indent=1)


def load(path: Path) -> Results:
    """Read a results file, or the one of an evaluation folder.

    Raises:
        UserError: There is no such file.
        CorruptData: It is not JSON, of another schema version, or a field is missing or wrong (the message names it).
    """
    path = path / "results.json" if path.is_dir() else path
    if not path.is_file():
        raise UserError(f"Results file {path} does not exist. Expected what `robovlms evaluate` wrote under --out.")
    data = read_json(path, remedy="Evaluate again.")
    if (got := data.get("schema_version")) != SCHEMA_VERSION:
        raise CorruptData(f"{path}: got schema_version {got!r}, expected {SCHEMA_VERSION}. Evaluate again.")
    return parse(Results, data, str(path))
