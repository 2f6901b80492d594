"""One demonstration in Meta-World; this file runs where the simulator is, in this interpreter or in another.

As on the tabletop, a gust now and then pushes the executed action aside, and before some demonstrations the hand
wanders off unrecorded. ``info["replay"]`` has all it takes to play a demonstration again.
"""

from functools import cache

import numpy as np

from robovlms.core.types import Episode, Observation
from robovlms.demos.gusts import Gusts, pushed
from robovlms.worlds.metaworld.env import InitialState, MetaWorld
from robovlms.worlds.metaworld.expert import expert
from robovlms.worlds.metaworld.language import instructions
from robovlms.worlds.metaworld.tasks import MAX_STEPS

GUSTS = Gusts(probability=0.02, steps=(4, 12), std=0.7)
"""7 mm a step along each axis."""
WANDER_PROBABILITY = 0.3
WANDER_STEPS = (5, 25)
STALL_ACTION, STALL_M = 0.5, 0.0005
"""A frame is stalled where the expert asks for more than ``STALL_ACTION`` but the hand moves less than ``STALL_M``."""


def demonstration(task: str, seed: int, image_size: int) -> Episode | None:
    """One demonstration, or None where the expert fails, in a world that this process keeps."""
    return demonstrate(_world(image_size), task, seed)


@cache
def _world(image_size: int) -> MetaWorld:
    """One world a process, which keeps its tables."""
    return MetaWorld(image_size)


def demonstrate(world: MetaWorld, task: str, seed: int, render: bool = True) -> Episode | None:
    """One demonstration, or None where the expert fails; a pure function of task and seed."""
    rng = np.random.default_rng(seed)
    sentences = instructions(task, "train")
    instruction, start = sentences[int(rng.integers(len(sentences)))], int(rng.integers(2**31))
    world.reset(InitialState(task), start, render=False)
    before = _wander(rng)
    for action in before:
        world.step(np.array(action), render=False)
    world.begin_task(task)
    frames, labels, pushes = _play(world, rng, render)
    if not labels:
        return None
    replay = {"world": "metaworld", "initial_state": {"task": task}, "seed": start, "before": before, "pushes": pushes}
    return Episode(
        images={name: np.stack([frame.images[name] for frame in frames]) for name in frames[0].images},
        state=np.stack([frame.state for frame in frames]).astype(np.float32),
        actions=np.stack(labels),
        instruction=instruction,
        task=task,
        info={"source": f"seed {seed}", "stalled_frames": _stalled(frames, labels), "replay": replay},
    )


def _play(
    world: MetaWorld, rng: np.random.Generator, render: bool
) -> tuple[list[Observation], list[np.ndarray], dict[str, list[float]]]:
    """What was seen, what the expert did then, and how it was pushed aside, by row; no rows where it failed."""
    observation, frames, labels, pushes = world.observe(render), [], [], {}
    for action, push, row in zip(expert(world), GUSTS.blow(rng), range(MAX_STEPS), strict=False):
        frames.append(observation)
        labels.append(action)
        if push.any():
            pushes[str(row)] = push.tolist()
        step = world.step(pushed(action, push), render)
        if step.success:
            return frames, labels, pushes
        observation = step.observation
    return [], [], {}


def _wander(rng: np.random.Generator) -> list[list[float]]:
    """Some steps in one random direction with the gripper open; often none."""
    if rng.random() > WANDER_PROBABILITY:
        return []
    action = [*rng.uniform(-1, 1, 3).tolist(), -1.0]
    return [action] * int(rng.integers(WANDER_STEPS[0], WANDER_STEPS[1] + 1))


def _stalled(frames: list[Observation], labels: list[np.ndarray]) -> int:
    places = np.stack([frame.state[:3] for frame in frames])
    moved = np.linalg.norm(np.diff(places, axis=0), axis=1)
    asked = np.abs(np.stack(labels)[:-1, :3]).max(axis=1)
    return int(((asked > STALL_ACTION) & (moved < STALL_M)).sum())
