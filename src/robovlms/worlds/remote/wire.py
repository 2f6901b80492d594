"""What crosses between the interpreters: pickles that may hold plain values, numpy arrays and our own dataclasses only.

Nothing else is ever loaded, so that a broken or foreign program at the other end can send wrong values but never code.
Arrays of numpy 1 and 2 understand each other here: the modules that make them were renamed in between.
"""

import importlib
import io
import pickle
from dataclasses import is_dataclass
from typing import Any

PROTOCOL = 5
"""Pickle's; Python 3.8 and newer read it."""

_NUMPY = {"numpy.core.multiarray", "numpy.core.numeric", "numpy"}
_ARRAYS = {"_reconstruct", "_frombuffer", "scalar", "ndarray", "dtype"}
_OURS = "robovlms."


def dump(value: Any) -> bytes:
    """The message that says ``value``."""
    return pickle.dumps(value, PROTOCOL)


def load(message: bytes) -> Any:
    """The value a message says.

    Raises:
        UnpicklingError: It holds something other than plain values, arrays and our dataclasses.
    """
    return _Loader(io.BytesIO(message)).load()


class _Loader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what makes an array, or a dataclass of ours."""
        module = module.replace("numpy._core", "numpy.core")
        if module in _NUMPY and name in _ARRAYS:
            return getattr(importlib.import_module(_numpy_module(module)), name)
        if module.startswith(_OURS):
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, type) and is_dataclass(found):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value, array or dataclass of robovlms.")


def _numpy_module(module: str) -> str:
    import numpy as np

    return module.replace("numpy.core", "numpy._core") if np.__version__ >= "2" else module
