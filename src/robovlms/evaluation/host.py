"""The world of one process: commands for slots come in, turns of their episodes go out."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from robovlms.core.protocols import World
from robovlms.evaluation.episode import Job, Player, Rules, Turn, WorldFactory
from robovlms.evaluation.throughput import TellsRenderTime


@dataclass(frozen=True, slots=True)
class Act:
    """Play one control step."""

    action: np.ndarray
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


class Host:
    """One world for all the slots of a process: an episode that waits is parked as a snapshot.

    A world with its renderer can take half a second and 50 MB to make; changing between snapshots takes microseconds.
    """

    def __init__(self, factory: WorldFactory, rules: Rules):
        self._factory, self._rules = factory, rules
        self._world: World | None = None
        self._players: dict[int, Player] = {}
        self._parked: dict[int, Any] = {}
        self._on_stage: int | None = None

    def play(self, slot: int, command: Command) -> Turn:
        """Carry out one command for the episode of a slot, and say how long it took."""
        began, drawn = time.perf_counter(), self._drawn_s()
        turn = self._carry_out(self._enter(slot), command)
        took_s, now = time.perf_counter() - began, self._drawn_s()
        return replace(turn, took_s=took_s, render_s=None if now is None else now - (drawn or 0.0))

    def _drawn_s(self) -> float | None:
        return self._world.render_s if isinstance(self._world, TellsRenderTime) else None

    def _carry_out(self, player: Player, command: Command) -> Turn:
        if isinstance(command, Job):
            return player.begin(command)
        return player.act(command.action, command.render) if isinstance(command, Act) else player.look()

    def close(self) -> None:
        """Free the world and drop unfinished recordings."""
        for player in self._players.values():
            player.close()
        if self._world is not None:
            self._world.close()

    def _enter(self, slot: int) -> Player:
        if self._world is None:
            self._world = self._factory()
        if slot not in self._players:
            self._players[slot] = Player(self._world, self._rules)
        if self._on_stage != slot:
            if self._on_stage is not None and self._players[self._on_stage].playing:
                self._parked[self._on_stage] = self._world.snapshot()
            if slot in self._parked:
                self._world.restore(self._parked.pop(slot), render=False)
            self._on_stage = slot
        return self._players[slot]


class LocalWorkers:
    """Episodes in this process: for debugging and small tests; an exception in a world goes through."""

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
