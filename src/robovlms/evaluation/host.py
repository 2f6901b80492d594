"""The worlds of one process: commands for slots come in, turns of their episodes go out."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from robovlms.core.protocols import World
from robovlms.evaluation.episode import Job, Player, Rules, Turn, WorldFactory
from robovlms.evaluation.throughput import TellsRenderTime


@dataclass(frozen=True, slots=True)
class Act:
    """Play control steps, one an action, until a task ends; ``render`` the last that is played."""

    actions: tuple[np.ndarray, ...]
    render: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Render without moving."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The world of a slot is gone. ``blamed`` marks the slot that was being played when it happened."""

    reason: str
    blamed: bool


Command = Job | Act | Look


@runtime_checkable
class Workers(Protocol):
    """Where the worlds are: commands for slots go out, and are answered in the order of their sending."""

    @property
    def num_idle_deaths(self) -> int:
        """Workers that died while they played nothing: no episode's doing."""
        ...

    def send(self, commands: Mapping[int, Command]) -> None:
        """Send one command for each slot."""
        ...

    def collect(self, slots: Collection[int]) -> dict[int, Turn | Lost]:
        """Wait for the answers of these slots."""
        ...

    def close(self) -> None:
        """Free the worlds."""
        ...


class Host:
    """The worlds of a process; in a shared one, an episode that waits is parked as a snapshot.

    A world with its renderer can take half a second and 50 MB to make; changing between the tabletop's snapshots takes
    microseconds.
    """

    def __init__(self, factory: WorldFactory, rules: Rules):
        self._factory, self._rules = factory, rules
        self._worlds: dict[int | None, World] = {}
        self._players: dict[int, Player] = {}
        self._parked: dict[int, Any] = {}
        self._on_stage: int | None = None

    def play(self, slot: int, command: Command) -> Turn:
        """Carry out one command for the episode of a slot, and say how long it took."""
        began = time.perf_counter()
        world, player = self._world_of(slot), self._enter(slot)
        drawn_s = world.render_s if isinstance(world, TellsRenderTime) else None
        turn = self._carry_out(player, command)
        drawing_s = world.render_s - drawn_s if isinstance(world, TellsRenderTime) and drawn_s is not None else None
        return replace(turn, took_s=time.perf_counter() - began, render_s=drawing_s)

    def _carry_out(self, player: Player, command: Command) -> Turn:
        if isinstance(command, Job):
            return player.begin(command)
        return player.act(command.actions, command.render) if isinstance(command, Act) else player.look()

    def close(self) -> None:
        """Free the worlds and drop unfinished recordings."""
        for player in self._players.values():
            player.close()
        for world in self._worlds.values():
            world.close()

    def _enter(self, slot: int) -> Player:
        world = self._world_of(slot)
        if slot not in self._players:
            self._players[slot] = Player(world, self._rules)
        if self._factory.shared and self._on_stage != slot:
            if self._on_stage is not None and self._players[self._on_stage].playing:
                self._parked[self._on_stage] = world.snapshot()
            if slot in self._parked:
                world.restore(self._parked.pop(slot), render=False)
            self._on_stage = slot
        return self._players[slot]

    def _world_of(self, slot: int) -> World:
        key = None if self._factory.shared else slot
        if key not in self._worlds:
            self._worlds[key] = self._factory()
        return self._worlds[key]


class LocalWorkers:
    """Episodes in this process: for debugging and small tests; an exception in a world goes through."""

    num_idle_deaths = 0

    def __init__(self, factory: WorldFactory, rules: Rules):
        self._host = Host(factory, rules)
        self._turns: dict[int, Turn | Lost] = {}

    def send(self, commands: Mapping[int, Command]) -> None:
        """Carry out one command for each slot."""
        for slot, command in commands.items():
            self._turns[slot] = self._host.play(slot, command)

    def collect(self, slots: Collection[int]) -> dict[int, Turn | Lost]:
        """The turns of these slots that came of the last ``send``."""
        return {slot: self._turns.pop(slot) for slot in slots if slot in self._turns}

    def close(self) -> None:
        """Free the world."""
        self._host.close()
