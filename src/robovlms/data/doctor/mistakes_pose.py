"""Mistakes about poses: units, frames, deltas, rotations, rate and time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from robovlms.actions.spec import ObservationSpec, StateComponent
from robovlms.core.geometry import convert, to_matrix
from robovlms.core.types import Episode
from robovlms.data.doctor.altered import (
    Altered,
    Make,
    action_columns,
    respecified,
    state_columns,
    with_actions,
    with_state,
)
from robovlms.data.doctor.pose import orientation_of, position_of
from robovlms.data.source import EpisodeSource

MILLIMETRES, DEGREES = 1000.0, 180 / np.pi


def state_in(find: Callable[[ObservationSpec], StateComponent | None], factor: float) -> Make:
    """A pose of the state in another unit than its spec says."""

    def make(source: EpisodeSource) -> Altered | None:
        at = state_columns(source, find)
        if at is None:
            return None
        return Altered(source, lambda episode, _: with_state(episode, at, episode.state[:, at] * factor))

    return make


def scaled(kind: str, factor: float) -> Make:
    """A scale in the spec that is wrong by a factor."""
    return lambda source: respecified(source, kind, lambda component: {"scale": component.scale * factor})


def said_to_be(kind: str, other: str) -> Make:
    """A component said to be of another kind."""
    return lambda source: respecified(source, kind, lambda _: {"kind": other})


def said_to_be_in(frame: str) -> Make:
    """Position deltas said to be in another frame."""
    return lambda source: respecified(source, "delta_position", lambda _: {"frame": frame})


def tool_frame(source: EpisodeSource) -> Altered | None:
    """Position deltas along the tool's axes, said to be along the base's."""
    at, columns, turned = _pose(source, orientation_of)

    def change(episode: Episode, _: int) -> Episode:
        matrix = to_matrix(episode.state[:, columns].astype(float), turned)
        return with_actions(episode, at, (matrix.swapaxes(1, 2) @ episode.actions[:, at][..., None])[..., 0])

    return Altered(source, change) if at and columns and turned else None


def goals(source: EpisodeSource) -> Altered | None:
    """The next position, said to be a delta."""
    at, columns, _ = _pose(source, position_of)
    if at is None or columns is None:
        return None
    return Altered(source, lambda e, _: with_actions(e, at, e.state[[*range(1, len(e)), -1]][:, columns]))


def quaternion_order(source: EpisodeSource) -> Altered | None:
    """The state's orientation as quaternions with the real part last, said to be first."""
    turned = orientation_of(source.observation_spec)
    if turned is None or turned.rotation is None:
        return None
    at, kind = source.observation_spec.columns([turned.name]), turned.rotation
    wrong = turned.model_copy(update={"dims": 4, "rotation": "quaternion_wxyz"})
    parts = tuple(wrong if c is turned else c for c in source.observation_spec.state)

    def change(episode: Episode, _: int) -> Episode:
        quaternion = convert(episode.state[:, at], kind, "quaternion_xyzw")
        return replace(
            episode, state=np.hstack([episode.state[:, : at[0]], quaternion, episode.state[:, at[-1] + 1 :]])
        )

    return Altered(source, change, observations=source.observation_spec.model_copy(update={"state": parts}))


def mirrored(source: EpisodeSource) -> Altered | None:
    """The second axis of the position delta with the other sign."""
    at = action_columns(source, "delta_position")
    return at and Altered(source, lambda e, _: with_actions(e, at, e.actions[:, at] * np.array([1, -1, 1])))


def swapped_axes(source: EpisodeSource) -> Altered | None:
    """The first two axes of the position delta exchanged."""
    at = action_columns(source, "delta_position")
    return at and Altered(source, lambda e, _: with_actions(e, at, e.actions[:, at][:, [1, 0, 2]]))


def every_second_row(source: EpisodeSource) -> Altered | None:
    """Every second row left out, with the actions as they were."""

    def change(episode: Episode, _: int) -> Episode:
        images = {name: frames[::2] for name, frames in episode.images.items()}
        return replace(episode, images=images, state=episode.state[::2], actions=episode.actions[::2])

    return Altered(source, change) if action_columns(source, "delta_position") else None


def other_rate(source: EpisodeSource) -> Altered:
    """Half the control rate in the spec of the actions, not in that of the observations."""
    return Altered(source, actions=source.action_spec.model_copy(update={"rate_hz": source.action_spec.rate_hz / 2}))


def wrong_rate(source: EpisodeSource) -> Altered | None:
    """Half the control rate in both specs, where recorded times tell."""
    actions, observations = other_rate(source).action_spec, source.observation_spec
    both = observations.model_copy(update={"rate_hz": actions.rate_hz})
    wrong = Altered(source, actions=actions, observations=both)
    return wrong if wrong.measured_rate_hz() else None


def one_row_late(source: EpisodeSource) -> Altered:
    """Every action in the row of the observation that followed it."""
    return Altered(source, lambda e, _: replace(e, actions=np.vstack([e.actions[:1], e.actions[:-1]])))


def _pose(source: EpisodeSource, find: Callable) -> tuple:
    """Columns of the position delta, those of a part of the pose, and its rotation representation."""
    part = find(source.observation_spec)
    return action_columns(source, "delta_position"), state_columns(source, find), part and part.rotation
