"""Worker processes, each with one world and several episodes; they answer in order, and may die at any moment.

A death, an exception in a world, or a silence of minutes is an infrastructure error and never the policy's failure:
the process is replaced, and every episode it held is reported lost, with the one it was playing marked.
"""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import c_int
from multiprocessing.connection import Connection

from robovlms.core.errors import UserError, WorkFailed
from robovlms.core.processes import end_with_parent
from robovlms.evaluation.episode import Rules, Turn, WorldFactory
from robovlms.evaluation.host import Command, Host, LocalWorkers, Lost, Workers

WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "LP_NUM_THREADS": "0"}
"""One thread a worker: numerics, waiting and software rendering. Libraries read these when they load."""

REPLY_TIMEOUT_S = 300.0
"""Seconds at one command (a world to make, the decided steps of one episode) that are taken for a hang."""

GLANCE_S = 1.0
"""How often a silent worker is asked whether it is still at the same command."""

MAX_IDLE_DEATHS = 3
"""Deaths in a row of a worker that was playing nothing: it cannot even start."""


class _Worker:
    """One process, the pipe to it, and the slot it says it is playing (-1: none)."""

    def __init__(self, factory: WorldFactory, rules: Rules):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.playing = context.Value("i", -1, lock=False)
        self.process = context.Process(target=_serve, args=(theirs, self.playing, factory, rules), daemon=True)
        with _worker_environment():
            self.process.start()
        theirs.close()
        self.expected: list[frozenset[int]] = []

    def answers(self, patience_s: float) -> bool:
        """Wait for an answer; False once one slot has been played for so long."""
        playing, since = self.playing.value, time.monotonic()
        while not self.pipe.poll(min(GLANCE_S, patience_s)):
            if self.playing.value != playing:
                playing, since = self.playing.value, time.monotonic()
            elif time.monotonic() - since >= patience_s:
                return False
        return True

    def stop(self, patience_s: float = 5.0) -> None:
        self.pipe.close()
        self.process.join(patience_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class ProcessWorkers:
    """Slots spread evenly over worker processes: slot ``i`` lives in worker ``i % num_workers``."""

    def __init__(self, factory: WorldFactory, rules: Rules, num_workers: int, reply_timeout_s: float = REPLY_TIMEOUT_S):
        self._factory, self._rules, self._reply_timeout_s = factory, rules, reply_timeout_s
        self._workers = [_Worker(factory, rules) for _ in range(num_workers)]
        self._lost: dict[int, Lost] = {}
        self._slots: set[int] = set()
        self.num_idle_deaths = self._idle_deaths_in_a_row = 0

    @property
    def process_ids(self) -> Sequence[int | None]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def send(self, commands: Mapping[int, Command]) -> None:
        """Send one command for each slot; the answers are collected by the same groups of slots, in order."""
        self._slots |= set(commands)
        for index in range(len(self._workers)):
            mine = {slot: command for slot, command in commands.items() if slot % len(self._workers) == index}
            # The world of a lost slot is gone; its command makes no sense until the loss was collected.
            mine = {slot: command for slot, command in mine.items() if slot not in self._lost}
            if not mine:
                continue
            worker = self._workers[index]
            worker.expected.append(frozenset(mine))
            try:
                worker.pipe.send(mine)
            except OSError:
                self._replace(index)

    def collect(self, slots: Collection[int]) -> dict[int, Turn | Lost]:
        """Wait for the answers of these slots; slots whose world died are ``Lost``.

        Raises:
            UserError: A world refused its input; raised here as it was there.
            WorkFailed: A worker dies again and again before it plays anything.
        """
        turns: dict[int, Turn | Lost] = {}
        for index, worker in enumerate(self._workers):
            if worker.expected and not worker.expected[0].isdisjoint(slots):
                turns |= self._receive(index, worker)
        for slot in set(self._lost).intersection(slots):
            turns[slot] = self._lost.pop(slot)
        return turns

    def close(self) -> None:
        """Stop the processes."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.stop()

    def _receive(self, index: int, worker: _Worker) -> dict[int, Turn]:
        try:
            if not worker.answers(self._reply_timeout_s):
                worker.process.kill()
                self._replace(index, f"no answer within {self._reply_timeout_s:g} s")
                return {}
            reply = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(index)
            return {}
        if isinstance(reply, UserError):
            raise reply
        if isinstance(reply, str):
            self._replace(index, reply)
            return {}
        self._idle_deaths_in_a_row = 0
        worker.expected.pop(0)
        return reply

    def _replace(self, index: int, reason: str | None = None) -> None:
        worker = self._workers[index]
        playing = worker.playing.value
        worker.process.join(5.0)
        reason = reason or f"the worker process died (exit code {worker.process.exitcode})"
        self.num_idle_deaths += playing < 0
        self._idle_deaths_in_a_row = self._idle_deaths_in_a_row + 1 if playing < 0 else 0
        if self._idle_deaths_in_a_row >= MAX_IDLE_DEATHS:
            raise WorkFailed(f"Evaluation workers do not start: {reason}. What they printed says why.")
        worker.stop(patience_s=0.0)
        held = {slot for slot in self._slots if slot % len(self._workers) == index}
        self._lost |= {slot: Lost(reason, blamed=slot == playing) for slot in held}
        self._workers[index] = _Worker(self._factory, self._rules)


def open_workers(
    factory: WorldFactory, rules: Rules, num_workers: int, reply_timeout_s: float = REPLY_TIMEOUT_S
) -> Workers:
    """``num_workers`` processes, or with 0 the worlds in this process, where a hang is not noticed."""
    if num_workers < 0:
        raise UserError(f"Got {num_workers} workers, expected 0 (in this process) or more.")
    if num_workers == 0:
        return LocalWorkers(factory, rules)
    return ProcessWorkers(factory, rules, num_workers, reply_timeout_s)


def _serve(pipe: Connection, playing: c_int, factory: WorldFactory, rules: Rules) -> None:
    # An interrupt reaches the whole process group; the parent decides what happens, by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()  # a world that hangs would not notice that the pipe is closed
    host = Host(factory, rules)
    try:
        while True:
            turns = {}
            for slot, command in pipe.recv().items():
                playing.value = slot
                turns[slot] = host.play(slot, command)
            playing.value = -1
            pipe.send(turns)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        host.close()
    except UserError as error:
        pipe.send(UserError(str(error)))
    except Exception:  # noqa: BLE001 - whatever a world raises is the parent's to count
        pipe.send(traceback.format_exc(limit=-3).strip())


@contextmanager
def _worker_environment() -> Generator[None]:
    before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
    os.environ.update(WORKER_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
