"""What to collect in Meta-World: demonstrations by the package's scripted policies, kept where they succeed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from typing_extensions import override

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.types import Episode
from robovlms.demos.collect import ROUND, Plan
from robovlms.demos.metaworld_episode import demonstration
from robovlms.worlds.metaworld.conventions import ACTION_SPEC, WORLD_VERSION, observation_spec
from robovlms.worlds.metaworld.package import require_package
from robovlms.worlds.remote.process import Interpreter, remedy
from robovlms.worlds.remote.versions import installed
from robovlms.worlds.remote.world import ANSWER_TIMEOUT_S, ask

Demonstrate = Callable[[str, int, int], Episode | None]
"""Plays a task from a seed, with images of a size; None where the expert fails."""


@dataclass(frozen=True)
class MetaWorldPlan(Plan):
    """One attempt, one task: the rarest first. ``world_python`` is the interpreter of the worlds; ours when None."""

    world_python: str | None = None

    @property
    @override
    def specs(self) -> tuple[ActionSpec, ObservationSpec]:
        return ACTION_SPEC, observation_spec(self.image_size)

    @property
    @override
    def provenance(self) -> Mapping[str, Any]:
        python = self.world_python
        found = installed() if python is None else ask(python, f"{installed.__module__}:{installed.__name__}", {})
        versions = {name: found[name] for name in ("metaworld", "mujoco")}
        return {"world": "metaworld", "world_version": WORLD_VERSION, **versions}

    @override
    def attempt(self, counts: Mapping[str, int], index: int) -> tuple[list[Episode], list[str]]:
        rarest_first = sorted(self.tasks, key=lambda task: counts.get(task, 0))
        task = rarest_first[index % ROUND % len(rarest_first)]
        episode = _demonstrator(self.world_python)(task, self.seed_of(index), self.image_size)
        return ([episode], []) if episode else ([], [task])


def require_metaworld(world_python: str | None) -> None:
    """Raise ``UserError`` unless metaworld is installed in this interpreter; ours when None."""
    if world_python is None:
        require_package()
    else:
        target = f"{require_package.__module__}:{require_package.__name__}"
        ask(world_python, target, {}, remedy("metaworld"))


@cache
def _demonstrator(world_python: str | None) -> Demonstrate:
    """Keeps one interpreter a process, which keeps its tables."""
    if world_python is None:
        return demonstration
    other = Interpreter(world_python, remedy("metaworld"), ANSWER_TIMEOUT_S)
    return partial(_ask, other)


def _ask(other: Interpreter, task: str, seed: int, image_size: int) -> Episode | None:
    settings = {"task": task, "seed": seed, "image_size": image_size}
    return other.call("ask", f"{demonstration.__module__}:{demonstration.__name__}", settings)
