"""Runs an evaluation from its jobs to ``results.json``; a benchmark is a function that makes a ``Benchmark``."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import WorkFailed
from robovlms.core.files import write_json
from robovlms.core.protocols import Policy
from robovlms.evaluation import results
from robovlms.evaluation.episode import Job, Rules, WorldFactory
from robovlms.evaluation.host import Workers
from robovlms.evaluation.progress import EpisodeProgress
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, EpisodeResult, Results, Stopped
from robovlms.evaluation.rollout import Rollouts
from robovlms.evaluation.stopping import Rival
from robovlms.evaluation.store import RESULTS, EpisodeStore
from robovlms.evaluation.workers import open_workers

VIDEOS = "videos"
OpenWorkers = Callable[[WorldFactory, Rules, int], Workers]
"""Starts so many workers; ``launchers`` has others than this machine's processes."""
Decide = Callable[[Sequence[EpisodeResult]], tuple[Stopped, Sequence[EpisodeResult]] | None]
"""Whether the episodes that ended decide the evaluation, and which of them do."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A protocol and what it takes to play it.

    Attributes:
        protocol: What is measured; describes ``jobs``.
        jobs: All its episodes.
        worlds: Builds its worlds.
        action_spec: What their actions mean.
        observation_spec: What their observations mean.
    """

    protocol: Protocol
    jobs: tuple[Job, ...]
    worlds: WorldFactory
    action_spec: ActionSpec
    observation_spec: ObservationSpec


def run(
    policy: Policy,
    benchmark: Benchmark,
    *,
    checkpoint: Checkpoint,
    out: Path,
    workers: int = 1,
    video: int = 0,
    resume: bool = False,
    rival: Rival | None = None,
    launch: OpenWorkers = open_workers,
) -> Results:
    """Play the jobs a folder does not hold yet, and write its results.

    A policy's conventions are compared with the worlds' before anything is written (``bind``, where it has one).

    Args:
        policy: The policy, whose padded batch shape must be ``protocol.batch``.
        benchmark: What to play.
        checkpoint: Where the policy came from.
        out: The folder for results, episodes and ``videos/``.
        workers: Worker processes; 0 plays in this process. The episodes do not depend on it.
        video: How many of the first jobs are recorded.
        resume: Go on with an interrupted evaluation of the same protocol and checkpoint.
        rival: Stop as soon as it is known which of this policy and another one is better.
        launch: Starts the workers.

    Raises:
        SpecMismatch: The policy means something else by its actions or observations.
        UserError: Bad input, ``out`` holds something else, or the rival was asked something else.
        WorkFailed: No episode could be played.
    """
    if bind := getattr(policy, "bind", None):
        bind(benchmark.action_spec, benchmark.observation_spec)
    protocol, jobs = benchmark.protocol, benchmark.jobs
    recorded = [replace(job, video=out / VIDEOS / f"{job.id}.mp4") for job in jobs[:video]]
    everything = [*recorded, *jobs[video:]]
    if rival is not None:
        rival.require_comparable(protocol, jobs)
        everything.sort(key=lambda job: results.mixed(job.id))
    with EpisodeStore(out, protocol, checkpoint, resume) as store, EpisodeProgress(len(everything)) as progress:
        for episode in store.episodes:
            progress.episode(episode, resumed=True)
        decided = _undecided if rival is None else partial(rival.decided, protocol, jobs)
        done = {episode.id for episode in store.episodes}
        left = [] if decided(store.episodes) else [job for job in everything if job.id not in done]
        start = partial(launch, benchmark.worlds, Rules(protocol.max_steps, protocol.instruction_split))
        _play(policy, protocol, left, partial(start, min(workers, len(left))), store, progress, decided)
        stopped, kept = decided(store.episodes) or (None, store.episodes)
        finished = results.build(protocol, checkpoint, kept, stopped)
    _write_timing(out, progress, workers)
    _write_video_index(out / VIDEOS, recorded, store.episodes)
    results.write(finished, out / RESULTS)
    if not finished.metrics:
        raise WorkFailed(f"Every episode ended in an infrastructure error; see {out / RESULTS}.")
    return finished


def _undecided(episodes: Sequence[EpisodeResult]) -> None:
    """Nobody asked."""


def _play(
    policy: Policy,
    protocol: Protocol,
    jobs: Sequence[Job],
    start: Callable[[], Workers],
    store: EpisodeStore,
    progress: EpisodeProgress,
    decided: Decide,
) -> None:
    """Play jobs until all have ended or it is ``decided``."""
    if not jobs:
        return
    pool = start()
    try:
        rollouts = Rollouts(policy, pool, jobs, batch=protocol.batch, seed=protocol.seed, on_steps=progress.steps)
        with closing(rollouts.run()) as episodes:
            for episode in episodes:
                store.append(episode)
                progress.episode(episode)
                if decided(store.episodes):
                    break
    finally:
        pool.close()


def _write_timing(out: Path, progress: EpisodeProgress, num_workers: int) -> None:
    """What depends on the machine stands apart, so that equal evaluations have equal results files."""
    timing = {"workers": num_workers, "control_steps": progress.num_steps, "wall_s": round(progress.seconds, 2)}
    write_json(out / "timing.json", {**timing, "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})


def _write_video_index(folder: Path, recorded: Sequence[Job], episodes: Sequence[EpisodeResult]) -> None:
    by_id = {episode.id: episode for episode in episodes}
    entries = [
        {
            "file": f"{job.id}.mp4",
            "chain": job.id,
            "instructions": [task.instruction for task in by_id[job.id].tasks],
            "solved": by_id[job.id].num_solved,
        }
        for job in recorded
        if (folder / f"{job.id}.mp4").is_file()
    ]
    if entries:
        write_json(folder / "index.json", entries)
