"""Questions answered with location tokens: pixels, metres from the gripper, angles, and what an instruction is about.

Rows come before columns, as in PaliGemma: a place in an image is ``<loc row><loc column>``. An offset is
``<loc x><loc y><loc z>``, from the gripper to the thing, along the axes of the world. An instruction alone, the very
prompt a policy gets, is answered with the offset to what it is about; ``point:`` before it asks for the pixel.
Neither says how to act: the answer depends on the scene and on the language only.
"""

import numpy as np

from robovlms.pretraining.frames import CAMERAS, Frame
from robovlms.pretraining.locations import angle_bin, from_bins, metric_bin, pixel_bin
from robovlms.pretraining.targets import target_of
from robovlms.pretraining.wording import NAMES, Ask, choose, name_of, say
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.state import BLOCKS
from robovlms.worlds.tabletop.tasks import TASKS

_MOST = 4
"""Things asked for at once."""


def _pixel(frame: Frame, camera: str, point: str) -> str:
    column, row = frame.pixel(camera, point).tolist()
    return from_bins([pixel_bin(row), pixel_bin(column)])


def _offset(frame: Frame, point: str) -> str:
    return from_bins([metric_bin(metres) for metres in frame.offset(point).tolist()])


def _some(rng: np.random.Generator, points: list[str]) -> list[str]:
    return list(rng.permutation(points)[: rng.integers(1, _MOST + 1)])


def _detect(frame: Frame, rng: np.random.Generator, camera: str) -> Ask | None:
    points = _some(rng, [point for point in NAMES if frame.sees(camera, point)])
    if not points:
        return None
    names = ", ".join(name_of(rng, point) for point in points)
    verb = {"static": "detect", "wrist": "wrist detect"}[camera]
    return f"{verb} {names}", "".join(_pixel(frame, camera, point) for point in points)


def detect_static(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """Where in the static image are up to four things?"""
    return _detect(frame, rng, "static")


def detect_wrist(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """Where in the wrist image are up to four things?"""
    return _detect(frame, rng, "wrist")


def seen(frame: Frame, rng: np.random.Generator) -> Ask:
    """Does a thing show in an image?"""
    camera, point = choose(rng, CAMERAS), choose(rng, (*BLOCKS, "slider", "drawer", "switch", "button"))
    answer = "yes" if frame.sees(camera, point) else "no"
    return f"does the {camera} camera see the {name_of(rng, point)}?", answer


def offset(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """Where are up to four things from the gripper?"""
    points = _some(rng, [point for point in NAMES if point != "gripper" and frame.shown(point)])
    if not points:
        return None
    names = [name_of(rng, point) for point in points]
    prompts = [f"offset {', '.join(names)}"]
    if len(names) == 1:
        prompts.append(f"where is the {names[0]} from the gripper?")
    return say(rng, prompts, "".join(_offset(frame, point) for point in points))


def angle(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """How is a block, or the gripper, turned about the vertical? Modulo half a turn."""
    point = choose(rng, (*BLOCKS, "gripper"))
    if point == "gripper":
        return say(rng, ("angle of the gripper:",), from_bins([angle_bin(float(frame.record["yaw"]))]))
    yaw = float(frame.record["block_yaw"][BLOCKS.index(point)])
    return (f"angle of the {point} block:", from_bins([angle_bin(yaw)])) if frame.shown(point) else None


def opening(frame: Frame, rng: np.random.Generator) -> Ask:
    """How wide is the gripper open, and how high is it above the table?"""
    if rng.random() < 0.5:
        return "opening of the gripper:", from_bins([metric_bin(float(frame.record["opening"]))])
    return "height of the gripper:", from_bins([metric_bin(float(frame.position("gripper")[2]))])


def _instructed(frame: Frame, rng: np.random.Generator) -> tuple[str, str] | None:
    task = choose(rng, TASKS)
    point = target_of(task, frame)
    return (choose(rng, instructions(task, "train")), point) if point else None


def point_pixel(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """Where in the static image is what an instruction is about?"""
    pair = _instructed(frame, rng)
    if pair is None or not frame.sees("static", pair[1]):
        return None
    return f"point: {pair[0]}", _pixel(frame, "static", pair[1])


def point_offset(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """Where from the gripper is what an instruction is about? The prompt is the instruction itself."""
    pair = _instructed(frame, rng)
    return (pair[0], _offset(frame, pair[1])) if pair and frame.shown(pair[1]) else None
