"""An evaluation as a report reads it: chains and estimates, made from the checked contents of ``results.json``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robovlms.evaluation import results
from robovlms.evaluation.results import EpisodeResult
from robovlms.statistics.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluation. ``chains`` are the episodes behind the numbers; ``invalid`` those that say nothing.

    ``length`` is the number of tasks of a full chain, 1 for single-task benchmarks; ``planned`` the number of episodes
    that might have been played, of an evaluation that stopped before.
    """

    benchmark: str
    protocol: Mapping[str, Any]
    protocol_digest: str
    checkpoint: str
    checkpoint_digest: str
    metrics: Mapping[str, Estimate]
    chains: tuple[EpisodeResult, ...]
    invalid: tuple[EpisodeResult, ...]
    length: int
    versions: Mapping[str, str] = field(default_factory=dict)
    planned: int | None = None

    @property
    def headline(self) -> str | None:
        """Name of the metric that sums the evaluation up, None when no episode counted."""
        preferred = ("average_length",) if self.length > 1 else ()
        return next((name for name in (*preferred, "success", *self.metrics) if name in self.metrics), None)

    @property
    def tasks(self) -> list[str]:
        """The tasks of the protocol."""
        return list(self.protocol["tasks"])


def read_outcome(path: Path) -> Outcome:
    """Read a ``results.json``; raises ``CorruptData`` naming the file and its first wrong field."""
    read = results.load(path)
    return Outcome(
        benchmark=read.benchmark,
        protocol={**read.protocol.model_dump(mode="json"), "setting": read.protocol.setting},
        protocol_digest=read.protocol_digest,
        checkpoint=read.checkpoint,
        checkpoint_digest=read.checkpoint_digest,
        metrics={name: Estimate(m.value, *m.ci95, m.n) for name, m in read.metrics.items()},
        chains=tuple(episode for episode in read.episodes if episode.status == "ok"),
        invalid=tuple(episode for episode in read.episodes if episode.status != "ok"),
        length=read.protocol.chain_length,
        versions=read.versions,
        planned=read.stopped.planned if read.stopped else None,
    )
