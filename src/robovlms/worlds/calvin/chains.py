"""CALVIN's 1,000 evaluation chains: a table in symbols and five tasks, equal to mees/calvin's ``get_sequences(1000)``.

Drawing them tries some ten million sequences, so the drawn ones lie beside this file, as numbers into ``STATES`` and
``TASKS``; ``draw_chains`` draws them again, and a slow test compares.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import NamedTuple

import numpy as np

from robovlms.worlds.calvin.symbolic import BLOCKS, TASKS, Place, Symbols, category, outcome

NUM_CHAINS = 1000
CHAIN_LENGTH = 5
MAX_STEPS = 360
"""Control steps for one task: 12 s."""

FILE = "chains.txt"

_PLACES: tuple[Place, ...] = ("table", "slider_right", "slider_left")

STATES = tuple(
    Symbols(led, lightbulb, slider, drawer, blocks)
    for led, lightbulb, slider, drawer, blocks in product(
        (0, 1), (0, 1), ("right", "left"), ("closed", "open"), product(_PLACES, repeat=len(BLOCKS))
    )
    if blocks.count("table") in (1, 2) and blocks.count("slider_right") < 2 and blocks.count("slider_left") < 2
)
"""The 192 tables that chains begin with: one or two blocks on the table, the others in the cabinet, apart."""


class Chain(NamedTuple):
    """Where an evaluation episode begins and what it asks for."""

    state: Symbols
    tasks: tuple[str, ...]


@cache
def chains() -> tuple[Chain, ...]:
    """The 1,000 chains, in the official order."""
    lines = files("robovlms.worlds.calvin").joinpath(FILE).read_text().splitlines()
    rows = [[int(number) for number in line.split()] for line in lines]
    return tuple(Chain(STATES[state], tuple(TASKS[task] for task in tasks)) for state, *tasks in rows)


def draw_chains() -> list[Chain]:
    """Draw them as mees/calvin does, for each state with a generator of its own; takes a minute or more."""
    shares = np.array_split(range(NUM_CHAINS), len(STATES))
    drawn = [
        Chain(state, tasks)
        for seed, (state, share) in enumerate(zip(STATES, shares, strict=True))
        for tasks in draw_sequences(state, len(share), seed)
    ]
    np.random.RandomState(0).shuffle(drawn)
    return drawn


def draw_sequences(state: Symbols, count: int, seed: int) -> list[tuple[str, ...]]:
    """The first ``count`` possible sequences among random fives of different tasks."""
    generator, found = np.random.RandomState(seed), []
    while len(found) < count:
        # what RandomState.choice without replacement does
        tasks = tuple(TASKS[number] for number in generator.permutation(len(TASKS))[:CHAIN_LENGTH].tolist())
        if is_possible(state, tasks):
            found.append(tasks)
    return found


def is_possible(state: Symbols, tasks: Sequence[str]) -> bool:
    """Whether the tasks can follow one another from ``state`` in one way, and are of different categories."""
    now: Symbols | None = state
    for task in tasks:
        now = outcome(task, now)
        if now is None:
            return False
    return len({category(task) for task in tasks}) == len(tasks)
