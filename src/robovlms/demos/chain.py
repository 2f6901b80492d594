"""One chain of demonstrations: from a reset, task after task, each cut at its success.

Starting each task where the last one ended gives the initial states (gripper at a fixture, block in hand) that
evaluation in chains meets. Now and then a gust pushes the executed action aside (``gusts``). Before some the tool
wanders off unrecorded, so that place and progress are not the same thing; before others a mistaken attempt, which aims
a few centimetres beside the mark, goes unrecorded, so that a policy sees what to do on top of the drawer's front.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robovlms.core.types import Episode, Observation
from robovlms.demos.gusts import Gusts, pushed
from robovlms.demos.tabletop_start import start_of
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.chains import MAX_STEPS, random_initial_state
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.tasks import feasible

CHAIN_LENGTH = 5
GUSTS = Gusts(probability=0.08, steps=(2, 4), std=0.8)
"""3 cm a step along each axis."""
WANDER_PROBABILITY = 0.4
WANDER_STEPS = (1, 5)
MISTAKE_PROBABILITY = 0.3
MISTAKE_STEPS = (4, 24)
MISTAKE_STD = 0.8
"""Of a normalised position action, one for the whole attempt: how far beside the mark it aims."""
STALL_ACTION, STALL_M = 0.3, 0.004
"""A frame is stalled where the expert asks for more than ``STALL_ACTION`` but the tool moves less than ``STALL_M``."""


def collect_chain(
    world: Tabletop, tasks: Sequence[str], counts: Mapping[str, int], seed: int, render: bool = True
) -> tuple[list[Episode], list[str]]:
    """Demonstrations of one chain, and the tasks whose attempt failed; a pure function of the arguments.

    Rare tasks are preferred: the chain begins where one of them can, and the next task is drawn with weight
    ``1 / (1 + count)`` to the fourth power.
    """
    rng = np.random.default_rng(seed)
    tally = Counter(counts)
    episodes: list[Episode] = []
    rarest_first = random_initial_state(rng, _draw(rng, tasks, tally))
    world.reset(rarest_first, seed=int(rng.integers(2**31)), render=False)
    for _ in range(CHAIN_LENGTH):
        kind = rng.random()
        if kind < WANDER_PROBABILITY:
            _wander(world, rng)
        possible = [task for task in tasks if feasible(task, world.state())]
        if not possible:
            break
        task = _draw(rng, possible, tally)
        if kind > 1 - MISTAKE_PROBABILITY and not _mistaken_attempt(world, task, rng):
            continue
        episode = _demonstrate(world, task, rng, render, f"chain {seed}")
        if episode is None:
            return episodes, [task]
        tally[task] += 1
        episodes.append(episode)
    return episodes, []


def _draw(rng: np.random.Generator, tasks: Sequence[str], tally: Mapping[str, int]) -> str:
    weights = np.array([1.0 / (1 + tally.get(task, 0)) ** 4 for task in tasks])
    return tasks[int(rng.choice(len(tasks), p=weights / weights.sum()))]


def _demonstrate(world: Tabletop, task: str, rng: np.random.Generator, render: bool, source: str) -> Episode | None:
    """One demonstration, or None where the expert fails. Held-out data is split by ``source``."""
    sentences = instructions(task, "train")
    instruction = sentences[int(rng.integers(len(sentences)))]
    world.begin_task(task)
    observation = world.observe(render)
    frames: list[Observation] = []
    labels: list[np.ndarray] = []
    pushes: dict[str, list[float]] = {}
    replay = {"world": "tabletop", "scene": world.scene.name, "start": start_of(world), "pushes": pushes}
    stalled = 0
    for action, push, row in zip(expert(world, task), GUSTS.blow(rng), range(MAX_STEPS), strict=False):
        frames.append(observation)
        labels.append(action)
        if push.any():
            pushes[str(row)] = push.tolist()
        step = world.step(pushed(action, push), render=render)
        moved = np.linalg.norm(step.observation.state[:3] - observation.state[:3])
        stalled += bool(np.abs(action[:3]).max() > STALL_ACTION and moved < STALL_M)
        observation = step.observation
        if step.success:
            return _episode(
                frames,
                labels,
                instruction,
                task,
                {"source": source, "scene": world.scene.name, "stalled_frames": stalled, "replay": replay},
            )
    return None


def _wander(world: Tabletop, rng: np.random.Generator) -> None:
    """Move the tool in one random direction for a few steps; the gripper keeps its command."""
    action = np.array([*rng.uniform(-1, 1, 3), 0, 0, 0, world.robot_obs()[14]])
    for _ in range(int(rng.integers(WANDER_STEPS[0], WANDER_STEPS[1] + 1))):
        world.step(action, render=False)


def _mistaken_attempt(world: Tabletop, task: str, rng: np.random.Generator) -> bool:
    """Begin the task aiming beside the mark, never letting go of a block; whether it is still to be done afterwards."""
    beside = rng.normal(0, MISTAKE_STD, 3)
    world.begin_task(task)
    for action, _ in zip(expert(world, task), range(int(rng.integers(*MISTAKE_STEPS))), strict=False):
        if action[6] > 0 and world.state().held is not None:
            break
        executed = np.array([*np.clip(action[:3] + beside, -1, 1), *action[3:]])
        world.step(executed, render=False)
    return feasible(task, world.state())


def _episode(
    frames: Sequence[Observation], labels: Sequence[np.ndarray], instruction: str, task: str, info: Mapping[str, Any]
) -> Episode:
    cameras = frames[0].images
    return Episode(
        images={name: np.stack([frame.images[name] for frame in frames]) for name in cameras},
        state=np.stack([frame.state for frame in frames]).astype(np.float32),
        actions=np.stack(labels).astype(np.float32),
        instruction=instruction,
        task=task,
        info=info,
    )
