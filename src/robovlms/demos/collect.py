"""Collect a data set of demonstrations on the tabletop: the same seed gives the same bytes for any process count.

Chains are planned in rounds. Within a round every chain sees the same task counts, and results are taken in the
order of the chains, so it does not matter which process ran which.
"""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from robovlms.core.errors import UserError
from robovlms.core.processes import end_with_parent
from robovlms.data.lerobot.encode import EncodedEpisode, encode_episode
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.demos.chain import collect_chain
from robovlms.worlds.tabletop import ACTION_SPEC, Tabletop, observation_spec
from robovlms.worlds.tabletop.conventions import WORLD_VERSION

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
class Plan:
    """What to collect. ``tasks`` are names in the world's order; ``image_size`` is for both cameras, in pixels."""

    tasks: tuple[str, ...]
    scenes: str = "D"
    num_episodes: int = 500
    seed: int = 0
    image_size: int = 64
    image_format: Literal["png", "jpeg", "mp4"] = "png"

    def __post_init__(self):
        if self.num_episodes < 1:
            raise UserError(f"Number of episodes: got {self.num_episodes}, expected at least 1.")


def collect(plan: Plan, out: Path, processes: int = 1, on_episode: Callable[[Tally], None] | None = None) -> Tally:
    """Write ``plan.num_episodes`` demonstrations to ``out`` as LeRobot v3.0; returns what was collected.

    Raises:
        UserError: ``out`` holds something already, an unknown task or scene, or a full disk.
    """
    provenance = {"world": "tabletop", "scenes": plan.scenes, "tasks": list(plan.tasks), "seed": plan.seed}
    provenance |= {"world_version": WORLD_VERSION, "mujoco": version("mujoco")}
    tally = Tally()
    spec = observation_spec(plan.image_size)
    with (
        LeRobotWriter(out, ACTION_SPEC, spec, image_format=plan.image_format, provenance=provenance) as writer,
        _pool(processes) as pool,
    ):
        for episodes, failed in _chains(plan, tally, pool):
            tally.failures.update(failed)
            for episode in episodes:
                if tally.demos.total() == plan.num_episodes:
                    return tally
                writer.add(episode)
                tally.add(episode)
                if on_episode:
                    on_episode(tally)
    return tally


def _chains(plan: Plan, tally: Tally, pool: ProcessPoolExecutor) -> Iterator[tuple[list[EncodedEpisode], list[str]]]:
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
    world = _world(plan.scenes[index % len(plan.scenes)], plan.image_size)
    seed = (plan.seed * 1_000_003 + index) % 2**63
    episodes, failed = collect_chain(world, plan.tasks, counts, seed)
    return [encode_episode(episode, ACTION_SPEC.rate_hz, plan.image_format) for episode in episodes], failed


@cache
def _world(scene: str, image_size: int) -> Tabletop:
    """One world a scene and process; loading a scene costs more than resetting it."""
    return Tabletop(scene, image_size)
