"""Collect a data set of demonstrations: the same seed gives the same bytes for any process count.

Attempts are planned in rounds. Within a round every attempt sees the same task counts, and results are taken in the
order of the attempts, so it does not matter which process ran which.
"""

import multiprocessing
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.processes import end_with_parent
from robovlms.core.types import Episode
from robovlms.data.lerobot.encode import EncodedEpisode, encode_episode
from robovlms.data.lerobot.writer import LeRobotWriter

ROUND = 8


@dataclass
class Tally:
    """What was collected: demonstrations, frames, stalled frames and failed attempts by task."""

    demos: Counter[str] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)
    stalled: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, episode: EncodedEpisode) -> None:
        """Count one demonstration."""
        self.demos[episode.task] += 1
        self.frames[episode.task] += len(episode)
        self.stalled[episode.task] += episode.info["stalled_frames"]

    @property
    def stalled_fraction(self) -> float:
        """Share of frames in which the expert pushes without moving."""
        return self.stalled.total() / max(self.frames.total(), 1)


@dataclass(frozen=True)
class Plan(ABC):
    """What to collect, and how in one world.

    ``tasks`` are names in the world's order; ``image_size`` is for all cameras, in pixels.
    """

    tasks: tuple[str, ...]
    num_episodes: int = 500
    seed: int = 0
    image_size: int = 64
    image_format: Literal["png", "jpeg", "mp4"] = "png"

    def __post_init__(self):
        if self.num_episodes < 1:
            raise UserError(f"Number of episodes: got {self.num_episodes}, expected at least 1.")

    @property
    @abstractmethod
    def specs(self) -> tuple[ActionSpec, ObservationSpec]:
        """What the actions and observations of the demonstrations mean."""

    @property
    @abstractmethod
    def provenance(self) -> Mapping[str, Any]:
        """The world and its version, besides tasks and seed."""

    @abstractmethod
    def attempt(self, counts: Mapping[str, int], index: int) -> tuple[list[Episode], list[str]]:
        """Demonstrations of one attempt, and the tasks that failed; a pure function of the plan and the arguments.

        Args:
            counts: Demonstrations that there are of each task.
            index: Number of the attempt; each has a seed of its own, ``seed_of(index)``.
        """

    def seed_of(self, index: int) -> int:
        """Seed of an attempt."""
        return (self.seed * 1_000_003 + index) % 2**63


def collect(plan: Plan, out: Path, processes: int = 1, on_episode: Callable[[Tally], None] | None = None) -> Tally:
    """Write ``plan.num_episodes`` demonstrations to ``out`` as LeRobot v3.0; returns what was collected.

    Raises:
        UserError: ``out`` holds something already, an unknown task or scene, or a full disk.
    """
    provenance = {"tasks": list(plan.tasks), "seed": plan.seed, **plan.provenance}
    tally = Tally()
    with (
        LeRobotWriter(out, *plan.specs, image_format=plan.image_format, provenance=provenance) as writer,
        _pool(processes) as pool,
    ):
        for episodes, failed in _attempts(plan, tally, pool):
            tally.failures.update(failed)
            for episode in episodes:
                if tally.demos.total() == plan.num_episodes:
                    return tally
                writer.add(episode)
                tally.add(episode)
                if on_episode:
                    on_episode(tally)
    return tally


def _attempts(plan: Plan, tally: Tally, pool: ProcessPoolExecutor) -> Iterator[tuple[list[EncodedEpisode], list[str]]]:
    index = 0
    while True:
        counts = dict(tally.demos)
        jobs = [pool.submit(_run, plan, counts, index + offset) for offset in range(ROUND)]
        try:
            for job in jobs:
                yield job.result()
        finally:
            for job in jobs:
                job.cancel()
        index += ROUND


def _pool(processes: int) -> ProcessPoolExecutor:
    for name, value in {"OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "0", "OMP_WAIT_POLICY": "PASSIVE"}.items():
        os.environ.setdefault(name, value)
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=end_with_parent)


def _run(plan: Plan, counts: dict[str, int], index: int) -> tuple[list[EncodedEpisode], list[str]]:
    episodes, failed = plan.attempt(counts, index)
    rate_hz = plan.specs[0].rate_hz
    return [encode_episode(episode, rate_hz, plan.image_format) for episode in episodes], failed
