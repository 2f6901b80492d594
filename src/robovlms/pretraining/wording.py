"""Names of things and the small grammar of questions."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from robovlms.worlds.tabletop.state import BLOCKS

Ask = tuple[str, str]
"""A prompt and its answer."""

BLOCK_SET = (*BLOCKS, "gripper")
"""What relations are asked about."""

NAMES = {
    "red": ("red block",),
    "blue": ("blue block",),
    "pink": ("pink block",),
    "gripper": ("gripper",),
    "slider": ("door handle", "slider handle"),
    "drawer": ("drawer handle",),
    "switch": ("switch", "lever"),
    "button": ("button",),
    "bulb": ("light bulb", "bulb"),
    "led": ("led", "green light"),
    "tray": ("drawer",),
    "shelf": ("cabinet",),
}
"""What each point of a frame is called."""

T = TypeVar("T")


def choose(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One option, uniformly."""
    return options[int(rng.integers(len(options)))]


def say(rng: np.random.Generator, prompts: Sequence[str], answer: str) -> Ask:
    """One of several wordings of a question, with its answer."""
    return choose(rng, prompts), answer


def name_of(rng: np.random.Generator, point: str) -> str:
    """One of the names of a point."""
    return choose(rng, NAMES[point])


def block_name(point: str) -> str:
    """The full name of a block, or of the gripper."""
    return NAMES[point][0]


def yes_no(truth: bool) -> str:
    """The answer to a closed question."""
    return "yes" if truth else "no"
