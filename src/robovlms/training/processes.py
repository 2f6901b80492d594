"""Several training processes on one CPU machine: one thread each beats many threads in one process.

Signals reach the parent only; it passes them on, so that every process stops at the same step and one saves.
"""

import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import torch

from robovlms.core.errors import UserError, WorkFailed
from robovlms.core.processes import end_with_parent


def num_processes(wanted: int) -> int:
    """How many processes a run gets here: never more than cores, and one where an accelerator does the work."""
    return 1 if torch.cuda.is_available() else max(1, min(wanted, _cores()))


def share_cores(count: int) -> None:
    """Give each of ``count`` processes its share of the cores; more threads than cores cost a factor of ten."""
    os.environ["OMP_NUM_THREADS"] = str(max(1, _cores() // count))
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spawn(function: Callable[..., None], arguments: tuple[Any, ...], count: int) -> None:
    """Run ``function(*arguments)`` in ``count`` processes that form one gloo group.

    Raises:
        UserError: what a process raised.
        WorkFailed: a process died.
        KeyboardInterrupt: the processes were told to stop, and did.
    """
    share_cores(count)
    logging.getLogger("torch.multiprocessing.spawn").setLevel(
        logging.ERROR
    )  # that a failure ends the others is no news
    errors = multiprocessing.get_context("spawn").SimpleQueue()
    group = torch.multiprocessing.start_processes(
        _enter, (function, arguments, count, _free_port(), errors), nprocs=count, join=False, start_method="spawn"
    )
    previous = {number: signal.signal(number, _forward(group)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not group.join():
            pass
    except (torch.multiprocessing.ProcessRaisedException, torch.multiprocessing.ProcessExitedException) as error:
        _raise(errors, error)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not errors.empty():
        _raise(errors, None)


def _enter(
    rank: int, function: Callable[..., None], arguments: tuple[Any, ...], count: int, port: int, errors: Any
) -> None:
    end_with_parent()
    os.setpgrp()  # Ctrl-C in the terminal reaches the parent, which passes it on once
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "ACCELERATE_USE_CPU": "true"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    try:
        function(*arguments)
    except UserError as error:
        errors.put(("user", str(error)))
        raise
    except KeyboardInterrupt:
        errors.put(("interrupt", ""))
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _raise(errors: Any, cause: Exception | None) -> None:
    if errors.empty():
        raise WorkFailed(f"A training process died: {cause}") from cause
    kind, message = errors.get()
    if kind == "interrupt":
        raise KeyboardInterrupt
    raise UserError(message) from None


def _forward(group: Any) -> Callable[[int, Any], None]:
    def handler(number: int, _: Any) -> None:
        for pid in group.pids():
            os.kill(pid, number)

    return handler


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
