"""The package ``metaworld``: imported quietly, under an OpenGL that works here."""

import contextlib
import importlib
import importlib.util
import warnings
from collections.abc import Generator
from typing import Any

from robovlms.core.errors import MissingExtra
from robovlms.worlds.gl import import_mujoco


def load(name: str) -> Any:
    """A module of the package.

    Raises:
        MissingExtra: It is not installed.
    """
    import_mujoco()
    try:
        with unwarned():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "metaworld") from None


def require_package() -> None:
    """Raise ``MissingExtra`` where the package is not installed; nothing is imported."""
    if importlib.util.find_spec("metaworld") is None:
        raise MissingExtra("metaworld", "metaworld")


@contextlib.contextmanager
def unwarned() -> Generator[None]:
    """Ignore warnings that only the package's authors could act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
