"""The Meta-World benchmark: single tasks of MT10 or MT50 from fixed starts, told in sentences that training never saw.

An episode is over at its first success, as the package counts it, or after 500 steps.
"""

import hashlib
import json
from collections.abc import Sequence

from robovlms.core.config import digest_of, validate
from robovlms.core.errors import UnknownName
from robovlms.evaluation.benchmarks import Options
from robovlms.evaluation.episode import Job, WorldFactory
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.protocol import Protocol
from robovlms.worlds.metaworld.conventions import ACTION_SPEC, WORLD_VERSION, observation_spec
from robovlms.worlds.metaworld.env import InitialState
from robovlms.worlds.metaworld.package import require_package
from robovlms.worlds.metaworld.tasks import MAX_STEPS, TASK_SETS, task_set
from robovlms.worlds.remote.process import remedy
from robovlms.worlds.remote.world import ask

NAME = "metaworld"
SUITE, IMAGE_SIZE = "mt50", 64
STARTS = 50
"""Of each task, unless told: as many as the package draws."""

_GENERATOR = "metaworld-starts-1"


def open_metaworld(options: Options) -> Benchmark:
    """What ``robovlms evaluate --benchmark metaworld`` plays: ``scene`` is a suite, mt10 or mt50.

    Tasks are those named, else those trained on, else the suite's. Episodes are spread evenly over them; there are
    50 for each unless told.

    Raises:
        UnknownName: No such suite or task.
        UserError: Meta-World is not installed in ``world_python``.
    """
    suite, size = options.scene or SUITE, options.image_size or IMAGE_SIZE
    if suite not in TASK_SETS:
        raise UnknownName("suite", suite, TASK_SETS)
    trained = None if options.scene else options.trained_among(TASK_SETS["all"])
    tasks = task_set(options.tasks or trained or suite)
    if options.world_python is not None:
        ask(options.world_python, f"{require_package.__module__}:{require_package.__name__}", {}, remedy(NAME))
    jobs = _jobs(tasks, options.episodes)
    settings = {
        "benchmark": NAME,
        "world_version": WORLD_VERSION,
        "scene": suite,
        "tasks": tasks,
        "num_chains": len(jobs),
        "chain_length": 1,
        "chain_digest": digest_of(json.dumps([(job.id, job.seed, *job.tasks) for job in jobs])),
        "max_steps": MAX_STEPS,
        "image_size": size,
        "batch": options.batch,
        "executor": options.executor,
        "seed": options.seed,
    }
    if options.world_python is None:
        require_package()
    worlds = WorldFactory("robovlms.worlds.metaworld.env:MetaWorld", {"image_size": size})
    return Benchmark(validate(Protocol, settings), jobs, worlds, ACTION_SPEC, observation_spec(size))


def _jobs(tasks: Sequence[str], episodes: int | None) -> tuple[Job, ...]:
    """Task by task, so that few tables are in use at a time."""
    jobs = []
    for place, task in enumerate(tasks):
        share = STARTS if episodes is None else (episodes - place - 1) // len(tasks) + 1
        for number in range(share):
            job = f"{task.removesuffix('-v3')}-{number:03d}"
            jobs.append(Job(job, InitialState(task), _seed(task, number), (task,)))
    return tuple(jobs)


def _seed(task: str, number: int) -> int:
    """The same on every platform, whichever other tasks are played."""
    digest = hashlib.sha256(f"{_GENERATOR}/{task}/{number}".encode()).digest()
    return int.from_bytes(digest, "big") % 2**31
