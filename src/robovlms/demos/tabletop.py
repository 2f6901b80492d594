"""What to collect on the tabletop: chains, each a world's attempt at five tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from typing_extensions import override

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.types import Episode
from robovlms.demos.chain import collect_chain
from robovlms.demos.collect import Plan
from robovlms.worlds.tabletop import ACTION_SPEC, Tabletop, observation_spec
from robovlms.worlds.tabletop.conventions import WORLD_VERSION


@dataclass(frozen=True)
class TabletopPlan(Plan):
    """``scenes`` are letters; chains go through them in turn."""

    scenes: str = "D"

    @property
    @override
    def specs(self) -> tuple[ActionSpec, ObservationSpec]:
        return ACTION_SPEC, observation_spec(self.image_size)

    @property
    @override
    def provenance(self) -> Mapping[str, Any]:
        versions = {"world_version": WORLD_VERSION, "mujoco": version("mujoco")}
        return {"world": "tabletop", "scenes": self.scenes, **versions}

    @override
    def attempt(self, counts: Mapping[str, int], index: int) -> tuple[list[Episode], list[str]]:
        world = _world(self.scenes[index % len(self.scenes)], self.image_size)
        return collect_chain(world, self.tasks, counts, self.seed_of(index))


@cache
def _world(scene: str, image_size: int) -> Tabletop:
    """One world a scene and process; loading a scene costs more than resetting it."""
    return Tabletop(scene, image_size)
