"""Launchers by name."""

import math
from collections.abc import Callable
from functools import partial

from robovlms.core.errors import UnknownName, UserError
from robovlms.evaluation.evaluate import OpenWorkers
from robovlms.evaluation.workers import REPLY_TIMEOUT_S, open_workers
from robovlms.launchers.ray import RayWorkers, connect


def here(reply_timeout_s: float) -> OpenWorkers:
    """Processes of this machine."""
    return partial(open_workers, reply_timeout_s=reply_timeout_s)


def on_ray(reply_timeout_s: float) -> OpenWorkers:
    """Actors of the cluster that ``RAY_ADDRESS`` names, else of this machine; joins it now."""
    connect()
    return partial(RayWorkers, reply_timeout_s=reply_timeout_s)


LAUNCHERS: dict[str, Callable[[float], OpenWorkers]] = {"local": here, "ray": on_ray}


def find_launcher(name: str, reply_timeout_s: float = REPLY_TIMEOUT_S) -> OpenWorkers:
    """A launcher whose workers count as hanging after ``reply_timeout_s`` of silence.

    Raises:
        UnknownName: There is no such launcher.
        UserError: The time is none, or what it runs on is not there.
    """
    if name not in LAUNCHERS:
        raise UnknownName("launcher", name, LAUNCHERS)
    if not 0 < reply_timeout_s < math.inf:
        raise UserError(f"Got a reply timeout of {reply_timeout_s:g} s, expected a number above 0.")
    return LAUNCHERS[name](reply_timeout_s)
