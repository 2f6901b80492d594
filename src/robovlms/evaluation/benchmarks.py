"""Benchmarks by name: one file each, which makes a ``Benchmark`` of the options an evaluation is asked for."""

import importlib
from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from robovlms.actions.spec import ActionSpec, mismatches
from robovlms.core.config import Config
from robovlms.core.errors import UnknownName, UserError
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.protocol import Count
from robovlms.worlds.remote.process import remedy
from robovlms.worlds.remote.world import ask


class Options(Config):
    """What an evaluation may ask of any benchmark; None leaves it to the benchmark.

    Attributes:
        scene: Scene or suite.
        setting: What is new to the policy, of a benchmark that has settings.
        tasks: Name of a set, or names of tasks.
        trained_on: Tasks the policy was trained on, which a benchmark may take where ``tasks`` is None.
        episodes: Number of episodes, or of chains.
        image_size: Side of the rendered images, in pixels.
        executor: How plans become actions (see ``policies.executors``).
        batch: Rows of the policy's padded batch.
        seed: Seed of a sampling policy.
        world_python: Interpreter the worlds run in, where it is not this one; no result depends on it.
    """

    scene: str | None = None
    setting: str | None = None
    tasks: str | tuple[str, ...] | None = None
    trained_on: tuple[str, ...] | None = None
    episodes: Count | None = None
    image_size: Count | None = None
    executor: str = "first"
    batch: Count = 16
    seed: Annotated[int, Field(ge=0)] = 0
    world_python: str | None = None

    def trained_among(self, known: Collection[str]) -> tuple[str, ...] | None:
        """Tasks trained on that a benchmark has; None where there are none, as for a policy of another world."""
        return tuple(task for task in self.trained_on or () if task in known) or None


BENCHMARKS = {
    "calvin": "robovlms.evaluation.calvin:open_calvin",
    "libero": "robovlms.evaluation.libero:open_libero",
    "metaworld": "robovlms.evaluation.metaworld:open_metaworld",
    "tabletop": "robovlms.evaluation.tabletop:open_tabletop",
}
"""``module:function`` of each; the function makes a ``Benchmark`` of ``Options``."""

ACTIONS = {
    "calvin": "robovlms.actions.calvin:RELATIVE_ACTIONS",
    "libero": "robovlms.worlds.libero.conventions:ACTION_SPEC",
    "metaworld": "robovlms.worlds.metaworld.conventions:ACTION_SPEC",
    "tabletop": "robovlms.worlds.tabletop.conventions:ACTION_SPEC",
}
"""``module:name`` of what the actions of each mean."""


def benchmark_of(action_spec: ActionSpec) -> str | None:
    """The benchmark whose worlds mean by an action what this spec does; None where none does."""
    return next((name for name, known in ACTIONS.items() if not mismatches(_load(known), action_spec)), None)


def open_benchmark(name: str, options: Options) -> Benchmark:
    """A benchmark by name.

    Raises:
        UnknownName: No such benchmark.
        UserError: It has no such scene, setting or task, or is not installed.
    """
    if name not in BENCHMARKS:
        raise UnknownName("benchmark", name, BENCHMARKS)
    opened: Benchmark = _load(BENCHMARKS[name])(options)
    if options.setting not in (None, opened.protocol.setting):
        raise UserError(f"Got --setting {options.setting}: {name} has one setting, {opened.protocol.setting}.")
    return opened if options.world_python is None else elsewhere(opened, options.world_python, remedy(name))


def _load(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def elsewhere(benchmark: Benchmark, python: str, words: str) -> Benchmark:
    """The same benchmark with its worlds in another interpreter."""
    settings = {
        "python": python,
        "target": benchmark.worlds.target,
        "settings": dict(benchmark.worlds.kwargs),
        "action_spec": benchmark.action_spec,
        "observation_spec": benchmark.observation_spec,
        "remedy": words,
    }
    worlds = replace(benchmark.worlds, target="robovlms.worlds.remote.world:remote_world", kwargs=settings)
    found = ask(python, "robovlms.worlds.remote.versions:installed", {}, words)
    versions = {f"world's {name}": version for name, version in found.items()}
    return replace(benchmark, worlds=worlds, versions=versions)
