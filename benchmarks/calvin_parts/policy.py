"""A policy for scene D that works its button, drawer, slider and switch from what it observes, and wanders else."""

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from robovlms.actions.calvin import MAX_POSITION_M, MAX_ROTATION_RAD
from robovlms.core.types import Decision, Observation

SCALE = np.repeat([MAX_POSITION_M, MAX_ROTATION_RAD], 3)
SPEED = 0.8
"""Share of the largest step."""
BUTTON = np.array([-0.12, -0.12, 0.46])
SLIDER = np.array([0.04, 0.0, 0.525])
HANDLE = np.array([0.18, -0.265, 0.36])
SWITCH = np.array([0.30, 0.03, 0.48])
OVER = 0.55
TABLE = np.array([[-0.15, -0.2, 0.53], [0.15, -0.05, 0.65]])

Point = tuple[float, float, float]


def press(scene: np.ndarray) -> list[Point]:
    x, y, z = BUTTON
    return [(x, y, z + height) for height in (0.12, -0.02, 0.12)]


def pull(scene: np.ndarray) -> list[Point]:
    x, y, z = HANDLE - [0, scene[1], 0]
    return [(x, y + 0.05, OVER), (x, y + 0.05, z), (x, y - 0.2, z), (x, y - 0.2, OVER)]


def push(scene: np.ndarray) -> list[Point]:
    x, y, z = HANDLE - [0, scene[1], 0]
    return [(x, y - 0.06, OVER), (x, y - 0.06, z), (x, y + 0.25, z)]


def slide(scene: np.ndarray, way: int) -> list[Point]:
    x, y, z = SLIDER - [scene[0], 0, 0]
    return [(x - way * 0.09, y - 0.12, z), (x - way * 0.09, y, z), (x + way * 0.3, y, z)]


def flip(scene: np.ndarray) -> list[Point]:
    x, y, z = SWITCH
    return [(x, y - 0.15, z - 0.01), (x, y - 0.01, z - 0.01), (x, y + 0.04, z + 0.15)]


PATHS: dict[str, Callable[[np.ndarray], list[Point]]] = {
    "turn_on_led": press,
    "turn_off_led": press,
    "open_drawer": pull,
    "close_drawer": push,
    "move_slider_left": partial(slide, way=-1),
    "move_slider_right": partial(slide, way=1),
    "turn_on_lightbulb": flip,
}
"""Points that the tool goes through, from ``scene_obs``."""


class Fixtures:
    """Implements ``core.protocols.Policy`` and keeps what it saw and did.

    Args:
        sentences: The instruction of each task.
        looks: Read the images at every so many steps of a task, 0 for never. One pixel changes the action then.

    Attributes:
        trace: For each episode and step the state, the action, and checksums of the images where they were read.
        times: When each step of any episode was decided, in seconds.
    """

    def __init__(self, sentences: Mapping[str, str], looks: int):
        self._tasks = {sentence: task for task, sentence in sentences.items()}
        self._looks = looks
        self._commanded: dict[str, np.ndarray] = {}
        self._motions: dict[str, Iterator[np.ndarray]] = {}
        self._told: dict[str, tuple[str, int]] = {}
        self.trace: dict[str, list[np.ndarray]] = {}
        self.times: list[float] = []

    def start(self, episode: str, instruction: str, *, seed: int) -> None:
        self.trace[episode] = []
        self._commanded.pop(episode, None)
        self.instruct(episode, instruction)

    def instruct(self, episode: str, instruction: str) -> None:
        self._told[episode] = self._tasks[instruction], len(self.trace[episode])
        self._motions.pop(episode, None)

    def needs_observation(self, episode: str) -> bool:
        _, begun = self._told[episode]
        return self._looks > 0 and (len(self.trace[episode]) - begun) % self._looks == 0

    def act(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        self.times += [time.perf_counter()] * len(observations)
        return {episode: Decision(self._act(episode, seen)) for episode, seen in observations.items()}

    def stop(self, episode: str) -> None:
        self._motions.pop(episode, None)

    def _act(self, episode: str, seen: Observation) -> np.ndarray:
        self._commanded.setdefault(episode, seen.state[:6].copy())
        if episode not in self._motions:
            self._motions[episode] = self._motion(episode, seen.state)
        action, sums = next(self._motions[episode]), np.zeros(2)
        if self.needs_observation(episode):
            sums[:] = [zlib.crc32(seen.images[name].tobytes()) for name in ("rgb_static", "rgb_gripper")]
            action[:2] += 0.1 * (sums / 2**32 - 0.5)
        self._commanded[episode] += SCALE * action[:6]
        self.trace[episode].append(np.concatenate([seen.state, action, sums]))
        return action

    def _motion(self, episode: str, state: np.ndarray) -> Iterator[np.ndarray]:
        task, begun = self._told[episode]
        generator, turn = np.random.default_rng(begun), self._commanded[episode][3:].copy()
        for point in [(*state[:2], 0.62), *PATHS[task](state[15:])] if task in PATHS else []:
            yield from self._to(episode, np.concatenate([point, turn]), -1.0)
        while True:
            goal = np.concatenate([generator.uniform(*TABLE), turn + generator.uniform(-0.3, 0.3, 3)])
            yield from self._to(episode, goal, float(generator.choice([-1, 1])))

    def _to(self, episode: str, goal: np.ndarray, gripper: float) -> Iterator[np.ndarray]:
        while np.abs(way := (goal - self._commanded[episode]) / SCALE).max() > 0.1:
            yield np.append(np.clip(way, -SPEED, SPEED), gripper)
