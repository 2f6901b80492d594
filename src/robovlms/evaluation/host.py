"""The worlds of one process: commands for slots come in, turns of their episodes go out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from robovlms.evaluation.episode import Job, Player, Rules, Turn, WorldFactory


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
    """The worlds of one process, one a slot, built when first needed and kept between episodes."""

    def __init__(self, factory: WorldFactory, rules: Rules):
        self._factory, self._rules = factory, rules
        self._players: dict[int, Player] = {}

    def play(self, slot: int, command: Command) -> Turn:
        """Carry out one command in the world of a slot."""
        if slot not in self._players:
            self._players[slot] = Player(self._factory(), self._rules)
        player = self._players[slot]
        if isinstance(command, Job):
            return player.begin(command)
        return player.act(command.action, command.render) if isinstance(command, Act) else player.look()

    def close(self) -> None:
        """Free the worlds."""
        for player in self._players.values():
            player.close()


class LocalWorkers:
    """The worlds in this process: for debugging and small tests; an exception in a world goes through."""

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
        """Free the worlds."""
        self._host.close()
