"""Black, frozen or doubled frames of a camera."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool

from robovlms.data.doctor.examined import Examined, Recording
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.pose import position_of

DARK = 12
"""Brightest byte of a black frame: JPEG leaves a little light."""
MOVED_M = 0.002
"""A step of the tool after which a camera must show something new."""
RUN = 3
"""As many frames in a row that repeat the one before, while the tool moves, are a frozen camera."""
SHARE = 0.1
"""Share of moving steps with a repeated frame above which a camera is slower than the control rate."""


def check(data: Examined) -> list[Finding]:
    """Every camera, in the episodes that were looked at."""
    looked = [one for one in data.recordings if one.glances]
    return [f for camera in data.observation_spec.cameras for f in _camera(data, looked, camera.name)]


def _camera(data: Examined, looked: list[Recording], camera: str) -> Iterator[Finding]:
    black = [one.glances[camera].brightest <= DARK for one in looked]
    if looked and all(dark.all() for dark in black):
        remedy = "Leave this camera out (--cameras), or record it again."
        yield Finding("frames", "error", f"camera '{camera}' is black in all frames", "an image", remedy)
        return
    dark = _first(looked, black)
    if dark:
        seen = f"camera '{camera}' is black in {sum(int(d.sum()) for d in black)} frames"
        yield Finding("frames", "error", seen, "an image", "Leave these episodes out, or record them again.", *dark)
    yield from _repeats(data, looked, camera)


def _repeats(data: Examined, looked: list[Recording], camera: str) -> Iterator[Finding]:
    moving = [_moving(data, one) for one in looked]
    same = [np.diff(one.glances[camera].content) == 0 for one in looked]
    stuck = [repeated & moved for repeated, moved in zip(same, moving, strict=True)]
    frozen = _first(looked, [_runs(one, RUN) for one in stuck])
    share = sum(int(one.sum()) for one in stuck) / max(sum(int(one.sum()) for one in moving), 1)
    if frozen:
        seen = f"camera '{camera}' repeats a frame {RUN} times and more while the tool moves"
        remedy = "Leave these episodes out, or record them again: the camera stood still."
        yield Finding("frames", "error", seen, "a new frame at every step", remedy, *frozen)
    elif share > SHARE:
        seen = f"camera '{camera}' repeats its frame in {share:.0%} of the steps in which the tool moves"
        remedy = "The camera is slower than the control rate: record at its rate."
        yield Finding("frames", "error", seen, "a new frame at every step", remedy, *_first(looked, stuck))


def _moving(data: Examined, one: Recording) -> Bool[np.ndarray, " t"]:
    """Steps in which the tool moves; all where no position is known."""
    place = position_of(data.observation_spec)
    if place is None:
        return np.ones(len(one.state) - 1, bool)
    return np.linalg.norm(np.diff(one.state[:, data.observation_spec.columns([place.name])], axis=0), axis=1) > MOVED_M


def _runs(flags: Bool[np.ndarray, " t"], length: int) -> Bool[np.ndarray, " t"]:
    """Where a run of at least ``length`` begins."""
    begins = [flags[i : i + length].all() for i in range(len(flags) - length + 1)]
    return np.array([*begins, *[False] * (len(flags) - len(begins))], bool)


def _first(looked: list[Recording], flags: list[Bool[np.ndarray, " _"]]) -> tuple[int, int] | tuple[()]:
    return next(((one.index, int(f.argmax())) for one, f in zip(looked, flags, strict=True) if f.any()), ())
