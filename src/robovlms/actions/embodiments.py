"""Several embodiments in one network: what each has stands by position, padded to the widest.

The network's actions are the pose of the embodiment with most pose dimensions, then the gripper; an embodiment uses
the first columns of both. Cameras and state are those of the embodiment with most; others have the first of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import override

from robovlms.actions.arrays import library
from robovlms.actions.normalize import Array, NormalizationConfig, Normalizer
from robovlms.actions.spec import ActionComponent, ActionSpec, ObservationSpec
from robovlms.actions.statistics import ActionStatistics
from robovlms.core.config import Config


class Conventions(Config):
    """What the numbers of one embodiment mean, and what it sees."""

    action_spec: ActionSpec
    observation_spec: ObservationSpec


def widest(embodiments: Sequence[Conventions]) -> Conventions:
    """Conventions of a network that serves all of these; their own where they agree."""
    actions = [one.action_spec for one in embodiments]
    observations = [one.observation_spec for one in embodiments]
    action = actions[0] if all(spec == actions[0] for spec in actions) else _widest_action(actions)
    cameras = max((spec.cameras for spec in observations), key=len)
    state = max(observations, key=lambda spec: spec.state_dims).state
    return Conventions(
        action_spec=action,
        observation_spec=ObservationSpec(cameras=cameras, state=state, rate_hz=observations[0].rate_hz),
    )


class PlacedNormalizer(Normalizer):
    """A normaliser whose normalised actions are a network's for several embodiments, zero where not ``present``."""

    def __init__(
        self, spec: ActionSpec, statistics: ActionStatistics, normalization: NormalizationConfig, network: ActionSpec
    ):
        """Like ``Normalizer``; settings for components that only others have are passed over."""
        super().__init__(spec, statistics, normalization.only(spec))
        self._places = places(spec, network)
        self.present = np.isin(np.arange(network.dims), self._places)
        self._sources = [self._places.index(i) if i in self._places else spec.dims for i in range(network.dims)]

    @override
    def normalize(self, actions: Array) -> Array:
        own: Any = super().normalize(actions)
        return library(own).concatenate([own, 0 * own[..., :1]], -1)[..., self._sources]

    @override
    def denormalize(self, actions: Array) -> Array:
        placed: Any = actions
        return super().denormalize(placed[..., self._places])


def places(own: ActionSpec, network: ActionSpec) -> list[int]:
    """Which of the network's action columns holds each dimension of an embodiment."""
    if own == network:
        return list(range(own.dims))
    gripper, first = _gripper_columns(own), network.dims - len(_gripper_columns(network))
    pose = [column for column in range(own.dims) if column not in gripper]
    found = dict(zip(pose, range(len(pose)), strict=True)) | {column: first + i for i, column in enumerate(gripper)}
    return [found[column] for column in range(own.dims)]


def _widest_action(specs: Sequence[ActionSpec]) -> ActionSpec:
    grippers = [len(_gripper_columns(spec)) for spec in specs]
    poses = [spec.dims - gripper for spec, gripper in zip(specs, grippers, strict=True)]
    parts = [ActionComponent(name="pose", dims=max(poses), kind="other", low=None, high=None)] if max(poses) else []
    if dims := max(grippers):
        parts.append(
            ActionComponent(name="gripper", dims=dims, kind="gripper", low=0, gripper_closed=0.0, gripper_open=1.0)
        )
    return ActionSpec(components=tuple(parts), rate_hz=max(spec.rate_hz for spec in specs))


def _gripper_columns(spec: ActionSpec) -> range:
    if spec.gripper is None:
        return range(0)
    at = spec.slice_of(spec.gripper.name)
    return range(at.start, at.stop)
