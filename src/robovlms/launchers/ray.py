"""Worlds in the actors of a Ray cluster: one evaluation over many machines, its policy in this process.

Every machine needs this package and the simulator; clips of an evaluation are written where its episodes play, so
``--out`` belongs on a file system that all share. An actor carries out its commands in order, one call each, and
answers are collected in that order: where it dies, the first call without an answer is the one that it was at.
"""

import logging
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from robovlms.core.errors import MissingExtra, UserError, WorkFailed
from robovlms.evaluation.episode import Rules, Turn, WorldFactory
from robovlms.evaluation.host import Command, Host, Lost
from robovlms.evaluation.workers import REPLY_TIMEOUT_S, WORKER_ENVIRONMENT

_REMEDY = "Start one (ray start --head), or correct RAY_ADDRESS."
START_TIMEOUT_S = 120.0
"""For an actor's process to start and import this package."""


class RayWorkers:
    """Slots spread evenly over actors of one core each: slot ``i`` lives in actor ``i % num_workers``.

    Args:
        factory: Builds a world in an actor.
        rules: What a player needs of the protocol.
        num_workers: Actors.
        address: 'HOST:PORT' or 'auto' of a running cluster; None for the one ``RAY_ADDRESS`` names, else a cluster of
            this machine alone.
        reply_timeout_s: Silence after which an actor counts as hanging.

    Raises:
        MissingExtra: Ray is not installed.
        UserError: There is no cluster at ``address``.
        WorkFailed: It has no free core for an actor.
    """

    num_idle_deaths = 0
    """Nobody hears of a death before the next call, which it then counts for."""

    def __init__(
        self,
        factory: WorldFactory,
        rules: Rules,
        num_workers: int,
        address: str | None = None,
        reply_timeout_s: float = REPLY_TIMEOUT_S,
    ):
        self._ray = connect(address)
        self._what, self._reply_timeout_s = (factory, rules), reply_timeout_s
        self._actor_class = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)
        self._unanswered: list[dict[int, Any]] = [{} for _ in range(num_workers)]
        self._slots: set[int] = set()
        self._lost: dict[int, Lost] = {}
        self._actors = [self._actor_class.remote(*self._what) for _ in range(num_workers)]
        self._require_started(self._actors)

    @property
    def nodes(self) -> list[str]:
        """The cluster's node of each actor."""
        return self._ray.get([actor.node.remote() for actor in self._actors])

    def send(self, commands: Mapping[int, Command]) -> None:
        """Send one command for each slot; a slot whose world is lost gets none until that was collected."""
        self._slots |= set(commands)
        for slot, command in commands.items():
            if slot not in self._lost:
                index = slot % len(self._actors)
                self._unanswered[index][slot] = self._actors[index].play.remote(slot, command)

    def collect(self, slots: Collection[int]) -> dict[int, Turn | Lost]:
        """Wait for the answers of these slots; slots whose world died are ``Lost``.

        Raises:
            UserError: A world refused its input; raised here as it was there.
        """
        turns: dict[int, Turn | Lost] = {}
        for index in range(len(self._actors)):
            for slot in [slot for slot in self._unanswered[index] if slot in slots]:
                if slot in self._unanswered[index] and (turn := self._answer(index, slot)) is not None:
                    turns[slot] = turn
        for slot in set(self._lost).intersection(slots):
            turns[slot] = self._lost.pop(slot)
        return turns

    def close(self) -> None:
        """End the actors; the cluster stays."""
        for actor in self._actors:
            self._ray.kill(actor)

    def _answer(self, index: int, slot: int) -> Turn | None:
        errors = self._ray.exceptions
        try:
            turn = self._ray.get(self._unanswered[index][slot], timeout=self._reply_timeout_s)
        except UserError as error:
            raise UserError(str(getattr(error, "cause", error))) from None  # Ray's own class holds it
        except errors.GetTimeoutError:
            self._replace(index, slot, f"no answer within {self._reply_timeout_s:g} s")
        except errors.RayTaskError as error:
            self._replace(index, slot, str(error).strip())
        except errors.RayError as error:
            self._replace(index, slot, f"the actor died: {error}")
        else:
            del self._unanswered[index][slot]
            return turn
        return None

    def _replace(self, index: int, playing: int, reason: str) -> None:
        held = {slot for slot in self._slots if slot % len(self._actors) == index}
        self._lost |= {slot: Lost(reason, blamed=slot == playing) for slot in held}
        self._unanswered[index] = {}
        self._ray.kill(self._actors[index])
        self._actors[index] = self._actor_class.remote(*self._what)
        self._require_started([self._actors[index]])

    def _require_started(self, actors: Sequence[Any]) -> None:
        """Wait for processes to start, which is no silence of theirs."""
        started = [actor.node.remote() for actor in actors]
        ready, waiting = self._ray.wait(started, num_returns=len(started), timeout=START_TIMEOUT_S)
        if waiting:
            self.close()
            raise WorkFailed(
                f"{len(ready)} of {len(started)} actors started within {START_TIMEOUT_S:g} s: the cluster has "
                f"{self._ray.available_resources().get('CPU', 0):g} free cores. Give fewer --workers."
            )


class _Actor:
    """The worlds of one actor."""

    def __init__(self, factory: WorldFactory, rules: Rules):
        self._host = Host(factory, rules)

    def play(self, slot: int, command: Command) -> Turn:
        return self._host.play(slot, command)

    def node(self) -> str:
        import ray

        return ray.get_runtime_context().get_node_id()


def connect(address: str | None = None) -> Any:
    """Ray, connected to a cluster; see ``RayWorkers``.

    Raises:
        MissingExtra: Ray is not installed.
        UserError: There is no cluster at ``address``.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", "ray") from None
    if not ray.is_initialized():
        _require_listening(address)
        try:
            environment: dict[str, Any] = {"env_vars": WORKER_ENVIRONMENT}
            ray.init(address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError) as error:
            raise UserError(f"No Ray cluster at {address or 'RAY_ADDRESS'}: {error}. {_REMEDY}") from None
    return ray


def _require_listening(address: str | None) -> None:
    """Ray itself tries for minutes."""
    address = address or os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.partition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5.0).close()
    except OSError as error:
        raise UserError(f"No Ray cluster at {address}: {error}. {_REMEDY}") from None
