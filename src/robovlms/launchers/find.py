"""Launchers by name."""

from robovlms.core.errors import UnknownName
from robovlms.evaluation.evaluate import OpenWorkers
from robovlms.evaluation.workers import open_workers
from robovlms.launchers.ray import RayWorkers

LAUNCHERS: dict[str, OpenWorkers] = {"local": open_workers, "ray": RayWorkers}
"""'local': processes of this machine; 'ray': actors of the cluster that ``RAY_ADDRESS`` names, else of this machine."""


def find_launcher(name: str) -> OpenWorkers:
    """A launcher by name; raises ``UnknownName`` for another."""
    if name not in LAUNCHERS:
        raise UnknownName("launcher", name, LAUNCHERS)
    return LAUNCHERS[name]
