"""A source with a mistake in it, made on purpose: what the doctor is measured with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from robovlms.actions.spec import ActionSpec, ObservationSpec, StateComponent
from robovlms.core.types import Episode
from robovlms.data.doctor.pose import action_of
from robovlms.data.source import EpisodeSource

Change = Callable[[Episode, int], Episode]
Make = Callable[[EpisodeSource], "Altered | None"]
"""Puts a mistake into a source; None where it cannot be made, as without a camera on the wrist to exchange."""


@dataclass(frozen=True)
class Altered:
    """A source whose episodes are changed on reading, or whose specs are wrong.

    The last ``copies`` episodes are the first ones again, with sources of their own. ``without_ends``: it has end
    flags, and none is set.
    """

    inner: EpisodeSource
    change: Change = lambda episode, _: episode
    actions: ActionSpec | None = None
    observations: ObservationSpec | None = None
    copies: int = 0
    without_ends: bool = False

    @property
    def action_spec(self) -> ActionSpec:
        """The inner one's, or the wrong one."""
        return self.actions or self.inner.action_spec

    @property
    def observation_spec(self) -> ObservationSpec:
        """The inner one's, or the wrong one."""
        return self.observations or self.inner.observation_spec

    def __len__(self) -> int:
        return len(self.inner) + self.copies

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [len(self.read(index, ())) for index in range(len(self))]

    def source_of(self, index: int) -> str:
        """What an episode was cut from, as it claims."""
        return self.inner.source_of(index) if index < len(self.inner) else f"copy {index}"

    def fingerprint(self) -> str:
        """Another one than the inner one's."""
        return f"{self.inner.fingerprint()} altered"

    def end_flags(self, index: int) -> Bool[np.ndarray, " t"] | None:
        """None, or all unset."""
        return np.zeros(len(self.read(index, ())), bool) if self.without_ends else None

    def measured_rate_hz(self) -> float | None:
        """The inner one's."""
        return getattr(self.inner, "measured_rate_hz", lambda: None)()

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """An episode with the mistake."""
        return self.change(self.inner.read(index % len(self.inner), cameras), index)


def action_columns(source: EpisodeSource, *kinds: str) -> slice | None:
    """Columns of the first action component of one of these kinds."""
    component = action_of(source.action_spec, *kinds)
    return source.action_spec.slice_of(component.name) if component else None


def state_columns(source: EpisodeSource, find: Callable[[ObservationSpec], StateComponent | None]) -> list[int] | None:
    """Columns of the state component that ``find`` finds."""
    component = find(source.observation_spec)
    return source.observation_spec.columns([component.name]) if component else None


def with_actions(episode: Episode, at: Any, values: np.ndarray) -> Episode:
    """The episode with other numbers in some columns of its actions."""
    return replace(episode, actions=_replaced(episode.actions, at, values))


def with_state(episode: Episode, at: Any, values: np.ndarray) -> Episode:
    """The episode with other numbers in some columns of its state."""
    return replace(episode, state=_replaced(episode.state, at, values))


def with_images(episode: Episode, change: Callable[[str, np.ndarray], np.ndarray]) -> Episode:
    """The episode with other frames, by camera."""
    return replace(episode, images={name: change(name, frames) for name, frames in episode.images.items()})


def respecified(source: EpisodeSource, kind: str, fields: Callable[[Any], Mapping[str, Any]]) -> Altered | None:
    """The source with another spec of its action component of this kind."""
    wrong, spec = action_of(source.action_spec, kind), source.action_spec
    if wrong is None:
        return None
    parts = tuple(c.model_copy(update=dict(fields(c))) if c is wrong else c for c in spec.components)
    return Altered(source, actions=spec.model_copy(update={"components": parts}))


def _replaced(numbers: np.ndarray, at: Any, values: np.ndarray) -> np.ndarray:
    changed = numbers.copy()
    changed[:, at] = values
    return changed
