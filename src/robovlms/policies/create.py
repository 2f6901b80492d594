"""One call turns a VLM into a VLA: ``RoboVLMs(config).create_vla("paligemma", "policy_head_continuous")``."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from robovlms.actions.normalize import NormalizationConfig
from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.model import VLAConfig, structures
from robovlms.backbones.load import FAMILIES, TINY_PREFIX, Family, class_at, family_of
from robovlms.backbones.sizes import default_checkpoint
from robovlms.core.config import Config, validate
from robovlms.core.errors import UnknownName, UserError
from robovlms.policies.combinations import combinations
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec

UNTRAINED = "untrained"
"""The embodiment of a new policy, whose actions are the conventions' own units in [-1, 1]."""


class RoboVLMsConfig(Config):
    """What ``RoboVLMs`` builds around a VLM, and for which robot; the tabletop's by default.

    ``size`` is ``tiny`` (random miniatures, for dry runs) or ``published``: the family's checkpoint on the hub, or the
    directory or hub id in ``path``. ``backbone``, ``architecture`` and ``head`` are settings of those groups.
    """

    size: Literal["tiny", "published"] = "published"
    path: str | None = None
    backbone: dict[str, Any] = Field(default_factory=dict)
    architecture: dict[str, Any] = Field(default_factory=dict)
    head: dict[str, Any] = Field(default_factory=dict)
    action_spec: ActionSpec = ACTION_SPEC
    observation_spec: ObservationSpec = observation_spec()
    normalization: NormalizationConfig = NormalizationConfig()


class RoboVLMs:
    """Makes VLAs: any supported backbone in any supported structure.

    Raises:
        UserError: a setting that does not exist, or has a wrong value.
    """

    def __init__(self, config: RoboVLMsConfig | Mapping[str, Any] | None = None):
        given = config if isinstance(config, RoboVLMsConfig) else validate(RoboVLMsConfig, config or {})
        if given.size == "tiny" and given.path:
            raise UserError(f"size is tiny and path is '{given.path}': a miniature has no path. Leave one of them out.")
        self.config = given

    @property
    def supported_backbones(self) -> list[str]:
        """Ids of the VLM families."""
        return [family.id for family in FAMILIES]

    @property
    def supported_architectures(self) -> list[str]:
        """Ids of the structures."""
        return list(structures())

    @property
    def combinations(self) -> dict[str, dict[str, str | None]]:
        """By structure and head, why the two are refused together, or None: every VLM takes the same ones."""
        return combinations()

    def create_vla(self, backbone: str, architecture: str) -> VLA:
        """A VLA of this VLM in this structure: the VLM's weights, everything else at random.

        Args:
            backbone: One of ``supported_backbones``, or its display name (``PaliGemma``).
            architecture: One of ``supported_architectures``.

        Raises:
            UnknownName: no such backbone or architecture; the nearest is offered.
            UserError: no such checkpoint, one of another family, or settings that do not exist.
        """
        family = family_of(backbone)
        if architecture not in structures():
            raise UnknownName("architecture", architecture, structures())
        groups: dict[str, Any] = {
            "backbone": {"path": self._path(family), **self.config.backbone},
            "architecture": {**self._lengths(), **self.config.architecture, "kind": architecture},
        }
        if self.config.head:
            groups["head"] = self.config.head
        model = validate(VLAConfig, groups)
        if class_at(model.backbone.path) not in family.classes:
            raise UserError(f"{model.backbone.path} is no {family.name}. Name its own family, or another path.")
        action, observation = self.config.action_spec, self.config.observation_spec
        manifest = VLAManifest(
            model=model, action_spec=action, observation_spec=observation, normalization=self.config.normalization
        )
        return VLA.create(manifest, {UNTRAINED: _unit_statistics(action.dims)})

    def _path(self, family: Family) -> str:
        if self.config.size == "tiny":
            return TINY_PREFIX + family.id
        return self.config.path or default_checkpoint(family.id)

    def _lengths(self) -> dict[str, Any]:
        """A miniature reads bytes, so its texts are longer."""
        return {"max_text_tokens": 128} if self.config.size == "tiny" else {}


def _unit_statistics(dims: int) -> ActionStatistics:
    """Statistics that leave actions in [-1, 1] as they are."""
    low, middle, high = (-1.0,) * dims, (0.0,) * dims, (1.0,) * dims
    return ActionStatistics(count=0, mean=middle, std=high, min=low, max=high, q01=low, q99=high)
