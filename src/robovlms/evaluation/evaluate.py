"""Runs an evaluation from its jobs to ``results.json``; a benchmark is a function that makes a ``Benchmark``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.files import write_json
from robovlms.core.protocols import Policy
from robovlms.evaluation import results
from robovlms.evaluation.agenda import Agenda
from robovlms.evaluation.concluding import VIDEOS, Decide, conclude, undecided, write_video_index
from robovlms.evaluation.episode import Job, Rules, WorldFactory
from robovlms.evaluation.host import Workers
from robovlms.evaluation.identity import Identity
from robovlms.evaluation.opening import open_store
from robovlms.evaluation.progress import EpisodeProgress
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, Results
from robovlms.evaluation.rollout import Rollouts, most_at_once
from robovlms.evaluation.shards import Shard
from robovlms.evaluation.stopping import Rival
from robovlms.evaluation.store import EpisodeStore
from robovlms.evaluation.throughput import Spent, timing
from robovlms.evaluation.workers import open_workers

TIMING = "timing.json"
WHOLE = Shard()
OpenWorkers = Callable[[WorldFactory, Rules, int], Workers]
"""Starts so many workers; ``launchers`` has others than this machine's processes."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A protocol and what it takes to play it.

    Attributes:
        protocol: What is measured; describes ``jobs``.
        jobs: All its episodes.
        worlds: Builds its worlds.
        action_spec: What their actions mean.
        observation_spec: What their observations mean.
        versions: Of the worlds' own interpreter, where it is another one.
    """

    protocol: Protocol
    jobs: tuple[Job, ...]
    worlds: WorldFactory
    action_spec: ActionSpec
    observation_spec: ObservationSpec
    versions: Mapping[str, str] = field(default_factory=dict)


def run(
    policy: Policy,
    benchmark: Benchmark,
    *,
    checkpoint: Checkpoint,
    out: Path,
    workers: int = 1,
    video: int = 0,
    resume: bool = False,
    shard: Shard = WHOLE,
    rival: Rival | None = None,
    launch: OpenWorkers = open_workers,
) -> Results:
    """Play the jobs a folder does not hold yet, and write its results once none is missing.

    A policy's conventions are compared with the worlds' before anything is written (``bind``, where it has one).

    Args:
        policy: The policy, whose padded batch shape must be ``protocol.batch``.
        benchmark: What to play.
        checkpoint: Where the policy came from.
        out: The folder for results, episodes and ``videos/``.
        workers: Worker processes, of which as many start as there are episodes at play; 0 plays in this process. The
            episodes do not depend on it.
        video: How many of the first jobs are recorded.
        resume: Go on with an interrupted evaluation of the same protocol and checkpoint, and play again what an
            infrastructure error ended.
        shard: The part of the jobs to play; ``merging.merge`` joins the folders of all parts.
        rival: Stop as soon as it is known which of this policy and another one is better.
        launch: Starts the workers.

    Returns:
        What the folder holds now.

    Raises:
        SpecMismatch: The policy means something else by its actions or observations.
        UserError: Bad input, ``out`` holds something else, or the rival was asked something else.
        WorkFailed: No episode could be played.
    """
    if bind := getattr(policy, "bind", None):
        bind(benchmark.action_spec, benchmark.observation_spec)
    protocol, jobs = benchmark.protocol, benchmark.jobs
    part = shard.of(_recorded(jobs, video, out / VIDEOS))
    if rival is not None:
        _require_whole(shard)
        rival.require_comparable(protocol, jobs)
        part = sorted(part, key=lambda job: results.mixed(job.id))
    decided = undecided if rival is None else partial(rival.decided, protocol, jobs)
    agenda = Agenda.of(Identity(protocol, checkpoint, results.versions() | dict(benchmark.versions)), jobs)
    with open_store(out, agenda, resume) as store, EpisodeProgress(len(part)) as progress:
        wanted = _missing(part, store, progress)
        if wanted and not decided(store.episodes):
            num_workers = min(workers, most_at_once(len(wanted), protocol.batch))
            pool = launch(benchmark.worlds, Rules(protocol.max_steps, protocol.instruction_split), num_workers)
            spent = _play(policy, protocol, pool, wanted, store, progress, decided)
            took = timing(spent, progress.num_steps, progress.seconds, num_workers)
            with store.alone():
                write_json(out / TIMING, took)
        with store.alone():
            write_video_index(out / VIDEOS, store.episodes)
        return conclude(store, out, decided)


def _require_whole(shard: Shard) -> None:
    if shard != WHOLE:
        raise UserError(
            f"Got part {shard.number}/{shard.count} of an evaluation that stops against another one: when to stop "
            "depends on all episodes. Leave one of the two out."
        )


def _recorded(jobs: Sequence[Job], video: int, folder: Path) -> list[Job]:
    """All jobs, the first ``video`` of which are recorded."""
    return [*(replace(job, video=folder / f"{job.id}.mp4") for job in jobs[:video]), *jobs[video:]]


def _missing(part: Sequence[Job], store: EpisodeStore, progress: EpisodeProgress) -> list[Job]:
    """The jobs still to play; those that were played earlier go into the progress."""
    done = store.done
    resumed = done.intersection(job.id for job in part)
    for episode in store.episodes:
        if episode.id in resumed:
            progress.episode(episode, resumed=True)
    return [job for job in part if job.id not in done]


def _play(
    policy: Policy,
    protocol: Protocol,
    pool: Workers,
    jobs: Sequence[Job],
    store: EpisodeStore,
    progress: EpisodeProgress,
    decided: Decide,
) -> Spent:
    """Play jobs until all have ended or it is ``decided``."""
    steps, batch, seed = protocol.max_steps, protocol.batch, protocol.seed
    rollouts = Rollouts(policy, pool, jobs, steps, batch=batch, seed=seed, on_steps=progress.steps)
    known = store.episodes
    try:
        with closing(rollouts.run()) as episodes:
            for episode in episodes:
                store.record([episode])
                progress.episode(episode)
                known.append(episode)
                if decided(known):
                    break
    finally:
        pool.close()
    rollouts.spent.num_idle_deaths = pool.num_idle_deaths
    return rollouts.spent
