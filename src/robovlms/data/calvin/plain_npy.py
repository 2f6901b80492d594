"""Reads ``.npy`` files that hold a pickled dictionary, as CALVIN's annotations do, without running what they say.

A pickle may name any function to call. Here it may name only what numpy needs to rebuild arrays and numbers, whatever
version of numpy wrote it; all else is refused before it is looked up.
"""

import pickle
import struct
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from jaxtyping import Int64

from robovlms.core.errors import CorruptData

DAMAGE = (
    *(EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError),
    *(OSError, MemoryError, RecursionError, SyntaxError, TokenError, struct.error, zlib.error),
)
"""What numpy, zip and pickle raise for damaged bytes."""


def read_integers(path: Path, row: tuple[int, ...]) -> Int64[np.ndarray, "n ..."]:
    """Rows of integers, without pickle.

    Args:
        path: The ``.npy`` file.
        row: The shape of each row.

    Raises:
        CorruptData: The file is missing, damaged, or holds something else.
    """
    existing = _existing(path)
    try:
        found = np.load(existing, allow_pickle=False)
    except DAMAGE as error:
        raise _damaged(path, error) from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iu" or found.shape[1:] != row:
        got = f"{found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else "an archive"
        wanted = ", ".join(["n", *map(str, row)])
        raise CorruptData(f"{path}: got {got}, expected integers of shape ({wanted}). Copy or create the file again.")
    return found.astype(np.int64)


def read_dictionary(path: Path) -> dict[str, Any]:
    """The dictionary in an object array without axes, as ``numpy.save(path, dictionary)`` writes it.

    Raises:
        CorruptData: The file is missing or damaged, holds no dictionary, or its pickle names something that is not
            plain data; the message names it.
    """
    existing = _existing(path)
    try:
        with existing.open("rb") as file:
            if not (dtype := _dtype_of(file)).hasobject:
                raise ValueError(f"it holds {dtype}, not a pickled dictionary")
            found = _PlainUnpickler(file).load()
    except pickle.UnpicklingError as error:
        raise CorruptData(f"{path}: {error}. Copy the file again, or do not trust it.") from None
    except DAMAGE as error:
        raise _damaged(path, error) from None
    found = found.item() if isinstance(found, np.ndarray) and found.size == 1 else found
    if not isinstance(found, dict):
        raise CorruptData(f"{path}: got {type(found).__name__}, expected a pickled dictionary. Copy the file again.")
    return found


def _dtype_of(file: IO[bytes]) -> np.dtype:
    """What the array that begins here holds; leaves the file where its data begin."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    return read[np.lib.format.read_magic(file)](file)[2]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CorruptData(f"{path} is missing. Copy or create it again.")
    return path


def _damaged(path: Path, error: BaseException) -> CorruptData:
    return CorruptData(f"{path} is damaged ({type(error).__name__}: {error}). Copy or create the file again.")


def _latin1(text: str, _: str) -> bytes:
    """How protocol 2 stores bytes: ``_codecs.encode(text, "latin1")``."""
    return text.encode("latin1")


def _rebuilt_by(value: Any, protocol: int) -> Any:
    """The function that a pickle of ``value`` asks for; numpy keeps it private and has moved it."""
    return value.__reduce_ex__(protocol)[0]


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _rebuilt_by(np.zeros(1), 4)
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _rebuilt_by(np.float64(0), 4)
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _rebuilt_by(np.zeros(1), 5)


class _PlainUnpickler(pickle.Unpickler):
    """Lists, dictionaries, numbers, texts and arrays; nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"the pickle asks for '{module}.{name}', expected plain data only")
        return _ALLOWED[module, name]
