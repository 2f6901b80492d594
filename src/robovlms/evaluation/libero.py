"""The LIBERO benchmark: a suite's tasks from their fixed initial states, as OpenVLA's and openpi's evaluations play it.

Ten steps at rest come first; then a task has its suite's number of control steps, and its success ends the episode.
Episode ``n`` of a task starts from its ``n``-th initial state. Fixtures, which these states do not place, stand where
the seed ``n`` puts them; the loops mentioned let them depend on how many resets went before.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from robovlms.core.config import digest_of, validate
from robovlms.core.errors import UnknownName, UserError
from robovlms.evaluation.benchmarks import Options
from robovlms.evaluation.episode import Job, WorldFactory
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.protocol import Protocol
from robovlms.worlds.libero.catalog import describe
from robovlms.worlds.libero.conventions import ACTION_SPEC, WORLD_VERSION, observation_spec
from robovlms.worlds.libero.suites import suite_steps
from robovlms.worlds.remote.process import remedy
from robovlms.worlds.remote.world import ask

NAME = "libero"
SUITE, IMAGE_SIZE, LOOK = "libero_spatial", 224, "full"


def open_libero(options: Options) -> Benchmark:
    """What ``evaluate --benchmark libero`` plays: ``scene`` is SUITE, or SUITE:plain for images without shadows.

    Episodes are spread evenly over the tasks, 50 at most for each.

    Raises:
        UnknownName: No such suite, task or look.
        UserError: LIBERO is not installed, or more episodes are asked for than there are.
    """
    suite, _, look = (options.scene or SUITE).partition(":")
    max_steps, size = suite_steps(suite), options.image_size or IMAGE_SIZE
    if look not in ("", "plain", LOOK):
        raise UnknownName("look", look, (LOOK, "plain"))
    found = _describe(suite, options.world_python)
    tasks = _chosen(found["tasks"], options.tasks)
    jobs = _jobs(tasks, options.episodes)
    settings = {
        "benchmark": NAME,
        "world_version": WORLD_VERSION,
        "scene": suite if look in ("", LOOK) else f"{suite}:{look}",
        "tasks": tuple(task["name"] for task in tasks),
        "num_chains": len(jobs),
        "chain_length": 1,
        "chain_digest": digest_of(json.dumps([tasks, found["packages"]], sort_keys=True)),
        "max_steps": max_steps,
        "image_size": size,
        "batch": options.batch,
        "executor": options.executor,
        "seed": options.seed,
    }
    protocol = validate(Protocol, settings)
    world = {"suite": suite, "image_size": size, "look": look or LOOK, "most_open": _at_once(jobs, 2 * options.batch)}
    worlds = WorldFactory("robovlms.worlds.libero.env:Libero", world)
    return Benchmark(protocol, jobs, worlds, ACTION_SPEC, observation_spec(size))


def _describe(suite: str, python: str | None) -> dict[str, Any]:
    if python is None:
        return describe(suite)
    return ask(python, "robovlms.worlds.libero.catalog:describe", {"suite": suite}, remedy(NAME))


def _chosen(tasks: Sequence[Mapping[str, Any]], names: str | Sequence[str] | None) -> list[Mapping[str, Any]]:
    if names is None or names == "all":
        return list(tasks)
    wanted, known = [names] if isinstance(names, str) else names, [task["name"] for task in tasks]
    for name in wanted:
        if name not in known:
            raise UnknownName("task", name, known)
    return [task for task in tasks if task["name"] in wanted]


def _jobs(tasks: Sequence[Mapping[str, Any]], episodes: int | None) -> tuple[Job, ...]:
    """Task by task, so that few scenes are open at a time."""
    there = sum(task["states"] for task in tasks)
    if episodes is not None and episodes > there:
        raise UserError(
            f"Got {episodes} episodes, expected at most {there}: each task has a fixed set of initial states."
        )
    jobs = []
    for place, task in enumerate(tasks):
        share = there if episodes is None else (episodes - place - 1) // len(tasks) + 1
        for number in range(min(share, task["states"])):
            state = {"task": task["name"], "number": number}
            jobs.append(Job(f"{place:02d}-{number:02d}", state, number, (task["name"],)))
    return tuple(jobs)


def _at_once(jobs: Sequence[Job], most_playing: int) -> int:
    """Different tasks among the episodes that play side by side."""
    starts = range(max(1, len(jobs) - most_playing + 1))
    return max(len({job.tasks for job in jobs[start : start + most_playing]}) for start in starts)
