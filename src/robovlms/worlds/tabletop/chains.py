"""Chains of five tasks, as CALVIN builds them: what an evaluation asks for, fixed before any policy is trained.

An initial state is drawn evenly, then a sequence evenly from all sequences of five that the symbolic rules allow from
it. As in CALVIN the five tasks are of five different categories, a task never has two possible outcomes, and a chain
begins with one or two blocks on the table, the others in the cabinet. Draws are SHA-256 digests, so chain ``i`` is the
same on every platform and version and does not depend on how many chains are asked for.

A subset of tasks gives chains by the same rule with fewer tasks. Where it has too few categories for five different
ones, the first of ``SPACINGS`` under which a chain exists holds for all. Where it has a task that begins with a block
in hand but no lift, a block of the table may start in the gripper.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from robovlms.core.errors import UserError
from robovlms.worlds.tabletop.conventions import RATE_HZ
from robovlms.worlds.tabletop.initial import BlockPlace, InitialState
from robovlms.worlds.tabletop.sequences import SPACINGS, count_sequences, sequence
from robovlms.worlds.tabletop.state import BLOCKS
from robovlms.worlds.tabletop.symbolic import WITH_BLOCK_IN_HAND, Symbols, outcome
from robovlms.worlds.tabletop.tasks import TASKS, task_set

CHAIN_LENGTH = 5
NUM_CHAINS = 1000
MOST_CHAINS = 10_000
"""Their ids have four digits, so that they sort."""
SUBTASK_SECONDS = 12
"""Time for one task: CALVIN's 360 steps at 30 Hz."""
MAX_STEPS = round(SUBTASK_SECONDS * RATE_HZ)
"""Control steps for one task: 120 at the 10 Hz of this world."""

_GENERATOR = "tabletop-chains-1"


@dataclass(frozen=True, slots=True)
class Chain:
    """One evaluation episode: where it begins, the tasks in order, and the seed of everything random in the reset."""

    id: str
    initial_state: InitialState
    tasks: tuple[str, ...]
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        state = self.initial_state.to_dict()
        return {"id": self.id, "initial_state": state, "tasks": list(self.tasks), "seed": self.seed}


def _draw(below: int, *key: object) -> int:
    """A whole number in [0, below), a pure function of the key."""
    digest = hashlib.sha256("/".join(map(str, (_GENERATOR, *key))).encode()).digest()
    return int.from_bytes(digest, "big") % below


@cache
def _states(places: tuple[BlockPlace, ...], num_on_table: tuple[int, ...]) -> list[InitialState]:
    """All initial states with blocks at the given places, at most one at each but the table, in a fixed order."""
    layouts = [
        dict(zip(BLOCKS, layout, strict=True))
        for layout in product(places, repeat=len(BLOCKS))
        if layout.count("table") in num_on_table and all(p == "table" or layout.count(p) == 1 for p in layout)
    ]
    fixtures = product(("left", "right"), ("open", "closed"), (False, True), (False, True))
    return [InitialState(*fixture, **layout) for fixture in fixtures for layout in layouts]


def _begin_states(tasks: tuple[str, ...]) -> list[InitialState]:
    """Where chains over ``tasks`` may begin."""
    states = _states(("table", "slider_left", "slider_right"), (1, 2))
    if WITH_BLOCK_IN_HAND.isdisjoint(tasks) or any(task.startswith("lift") for task in tasks):
        return states
    return states + [
        replace(state, **{name: "gripper"}) for state in states for name, at in state.blocks.items() if at == "table"
    ]


@cache
def _plan(tasks: tuple[str, ...]) -> tuple[str, list[InitialState]]:
    """The spacing that holds for a set of tasks, and the initial states that begin at least one chain under it."""
    for spacing in SPACINGS:
        begin = [
            state
            for state in _begin_states(tasks)
            if count_sequences(tasks, spacing, Symbols.of_initial(state), CHAIN_LENGTH)
        ]
        if begin:
            return spacing, begin
    raise UserError(
        f"These tasks never make a chain of {CHAIN_LENGTH}: {', '.join(tasks)}. "
        "Add tasks that undo them, such as close_drawer to open_drawer or a placement to a lift."
    )


def _chain(tasks: tuple[str, ...], index: int) -> Chain:
    spacing, begin = _plan(tasks)
    state = begin[_draw(len(begin), index, "state")]
    symbols = Symbols.of_initial(state)
    rank = _draw(count_sequences(tasks, spacing, symbols, CHAIN_LENGTH), index, "sequence")
    names = sequence(tasks, spacing, symbols, CHAIN_LENGTH, rank)
    return Chain(f"tabletop-{index:04d}", state, names, seed=_draw(2**31, index, "seed"))


def chains(num: int = NUM_CHAINS, tasks: str | Sequence[str] | None = None) -> tuple[Chain, ...]:
    """The first ``num`` chains over ``tasks`` (names, or the name of a set; default all 34).

    Raises:
        UserError: a number out of range, an unknown task, or tasks that never make a chain.
    """
    if not 1 <= num <= MOST_CHAINS:
        raise UserError(f"Number of chains: got {num}, expected 1 to {MOST_CHAINS} ({NUM_CHAINS} are published).")
    chosen = TASKS if tasks is None else task_set(tasks)
    return tuple(_chain(chosen, index) for index in range(num))


def random_initial_state(rng: np.random.Generator, task: str | None = None) -> InitialState:
    """An initial state for demonstrations, drawn evenly; wider than the chains': a block may start in the drawer.

    With ``task`` one from which the task can begin, with a block in the gripper where it asks for one. No initial
    state holds a stack: for ``unstack_block`` it is one in which the blocks can be stacked first.
    """
    states = _demo_states("stack_block" if task == "unstack_block" else task)
    return states[int(rng.integers(len(states)))]


@cache
def _demo_states(task: str | None) -> list[InitialState]:
    if task is None:
        return _states(("table", "slider_left", "slider_right", "drawer"), (1, 2, 3))
    places: tuple[BlockPlace, ...] = ("table", "slider_left", "slider_right", "drawer", "gripper")
    states = _states(places, (0, 1, 2, 3))
    return [state for state in states if outcome(task, Symbols.of_initial(state)) is not None]
