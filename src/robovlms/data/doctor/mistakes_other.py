"""Mistakes about the gripper, cameras, sentences, flags, statistics and splits."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from robovlms.core.types import Episode
from robovlms.data.doctor.altered import Altered, action_columns, respecified, with_actions, with_images
from robovlms.data.doctor.check_cameras import ON_THE_TOOL
from robovlms.data.images import Frames
from robovlms.data.source import EpisodeSource

FROZEN_FROM = 2
"""Row from which something stands still."""


def gripper_sign(source: EpisodeSource) -> Altered | None:
    """Open and closed exchanged in the spec."""
    swapped = lambda c: {"gripper_open": c.gripper_closed, "gripper_closed": c.gripper_open}  # noqa: E731
    return respecified(source, "gripper", swapped)


def gripper_values(source: EpisodeSource) -> Altered | None:
    """Commands moved halfway to the opened value, such as 0 and 1 for -1 and 1."""
    at, gripper = action_columns(source, "gripper"), source.action_spec.gripper
    if at is None or gripper is None or gripper.gripper_open is None:
        return None
    return Altered(source, lambda e, _: with_actions(e, at, (e.actions[:, at] + gripper.gripper_open) / 2))


def not_a_number(source: EpisodeSource) -> Altered:
    """One number of an action that is not finite."""

    def change(episode: Episode, index: int) -> Episode:
        rows = np.arange(len(episode)) == len(episode) // 2
        broken = np.where(rows, np.nan, episode.actions[:, 0])
        return with_actions(episode, 0, broken) if index == len(source) // 2 else episode

    return Altered(source, change)


def stalled(source: EpisodeSource) -> Altered:
    """The state stands still in every third episode while actions go on."""

    def change(episode: Episode, index: int) -> Episode:
        rows = np.minimum(np.arange(len(episode)), FROZEN_FROM)
        return replace(episode, state=episode.state[rows]) if index % 3 == 0 else episode

    return Altered(source, change)


def swapped_cameras(source: EpisodeSource) -> Altered | None:
    """The images of the static and the wrist camera exchanged."""
    names = source.observation_spec.camera_names
    wrist = next((name for name in names if any(word in name for word in ON_THE_TOOL)), None)
    static = next((name for name in names if name != wrist), None)
    if wrist is None or static is None:
        return None
    other = {wrist: static, static: wrist}
    # Both are read whichever is asked for, and named after each other.
    return Altered(source, lambda e, _: replace(e, images={other.get(n, n): frames for n, frames in e.images.items()}))


def black_camera(source: EpisodeSource) -> Altered | None:
    """A camera without light."""
    return _camera(source, np.zeros_like)


def frozen_camera(source: EpisodeSource) -> Altered | None:
    """A camera that repeats one frame."""
    return _camera(source, lambda frames: frames[np.minimum(np.arange(len(frames)), FROZEN_FROM)])


def slow_camera(source: EpisodeSource) -> Altered | None:
    """A camera at half the control rate: every frame stands twice."""
    return _camera(source, lambda frames: frames[np.arange(len(frames)) // 2 * 2])


def no_language(source: EpisodeSource) -> Altered:
    """No instruction in every tenth episode."""
    return Altered(source, lambda e, index: replace(e, instruction=" ") if index % 10 == 0 else e)


def constant_language(source: EpisodeSource) -> Altered:
    """One sentence for all episodes."""
    return Altered(source, lambda e, _: replace(e, instruction="do the task"))


def no_end_flags(source: EpisodeSource) -> Altered | None:
    """End flags of which none is set, unless that is so already."""
    flags = getattr(source, "end_flags", lambda _: None)(0)
    return Altered(source, without_ends=True) if flags is None or flags.any() else None


def leaked(source: EpisodeSource) -> Altered:
    """Every episode twice, as if from two recordings: a split puts some copies on either side."""
    return Altered(source, copies=len(source))


def _camera(source: EpisodeSource, change: Callable[[Frames], Frames]) -> Altered | None:
    """The source with other frames of its first camera."""
    first = next(iter(source.observation_spec.camera_names), None)
    altered = Altered(source, lambda e, _: with_images(e, lambda name, f: change(f) if name == first else f))
    return altered if first else None
