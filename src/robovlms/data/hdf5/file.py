"""One HDF5 file: its episodes, its texts, and errors that name the file and the episode."""

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py  # noqa: TID253 - only code that reads such a data set imports this module
import numpy as np

from robovlms.core.errors import CorruptData, UnknownName, UserError

SUFFIXES = (".hdf5", ".h5")


def files_of(path: Path) -> list[Path]:
    """The file ``path``, or all HDF5 files below that folder in the order of the numbers in their names.

    Raises:
        UserError: There is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"Data set {path} does not exist. Check the path: an HDF5 file, or a folder of them.")
    found = sorted((file for file in path.rglob("*") if file.suffix in SUFFIXES), key=lambda file: by_number(str(file)))
    if not found:
        raise UserError(f"{path} holds no {' or '.join(SUFFIXES)} file.")
    return found


def by_number(name: str) -> list[tuple[int, str]]:
    """A key that sorts ``demo_2`` before ``demo_10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


@contextmanager
def reading(where: str) -> Generator[None]:
    """Turn what h5py raises for damaged files into ``CorruptData`` that starts with ``where``."""
    try:
        yield
    except (OSError, KeyError, RuntimeError) as error:
        reason = error.args[0] if error.args else error
        raise CorruptData(f"{where} cannot be read ({reason}). Copy or create the file again.") from None


@contextmanager
def opened(path: Path) -> Generator[h5py.File]:
    """The file, open for reading; raises ``CorruptData`` when it is cut short or no HDF5 file."""
    with reading(str(path)):
        file = h5py.File(path, "r")
    with file:
        yield file


def group_of(parent: h5py.Group, name: str, where: str) -> h5py.Group:
    """A group by its path.

    Raises:
        CorruptData: There is none; the message lists what there is.
    """
    found = _node(parent, name, where)
    if not isinstance(found, h5py.Group):
        raise CorruptData(
            f"{where} has no group '{name}'; it holds {sorted(map(str, parent))}. Set the layout's kind, or its paths."
        )
    return found


def episode_names(file: h5py.File, episodes: str | None, mask: str | None, where: str) -> list[str]:
    """Paths of the groups of the episodes; ``mask`` names a list below ``mask/`` that says which.

    Raises:
        CorruptData: The groups are missing, or the list names one that is.
        UserError: A list is asked for where a file is one episode.
        UnknownName: There is no such list.
    """
    if episodes is None and mask is not None:
        raise UserError(f"{where}: got mask '{mask}', but in this layout a file is one episode. Leave mask out.")
    if episodes is None:
        return ["/"]
    group = group_of(file, episodes, where)
    for name in group:
        text_of(name, f"{where}, a name in '{episodes}'")
    names = sorted((name for name in group if isinstance(group[name], h5py.Group)), key=by_number)
    if mask is not None:
        lists = list(file["mask"]) if "mask" in file else []
        if mask not in lists:
            raise UnknownName(f"list of episodes in {where}", mask, lists)
        chosen = {text_of(name, f"{where}, mask/{mask}") for name in file[f"mask/{mask}"][()]}
        if not chosen <= set(names):
            raise CorruptData(f"{where}: mask/{mask} names {sorted(chosen - set(names))}, which are not there.")
        names = [name for name in names if name in chosen]
    if not names:
        raise CorruptData(f"{where}: group '{episodes}' holds no episode.")
    return [f"{episodes}/{name}" for name in names]


def array_of(parent: h5py.Group, name: str, where: str) -> h5py.Dataset:
    """An array by its path, not yet read.

    Raises:
        CorruptData: There is none, or it is in another file; the message offers the nearest name.
    """
    found = _node(parent, name, where)
    if not isinstance(found, h5py.Dataset):
        raise CorruptData(str(UnknownName(f"array in {where}:", name, arrays_in(parent))))
    return found


def _node(parent: h5py.Group, name: str, where: str) -> Any:
    found = parent.get(name)
    outside = found.file.filename if found is not None and found.file != parent.file else None
    if outside is None and isinstance(found, h5py.Dataset) and found.external:
        outside = found.external[0][0]
    if outside is None and isinstance(found, h5py.Dataset) and found.is_virtual:
        outside = next((part.file_name for part in found.virtual_sources() if part.file_name != "."), None)
    if outside is not None:
        raise CorruptData(f"{where}, '{name}' leads out of the file, to {outside}. Do not trust this file.")
    return found


def arrays_in(group: h5py.Group) -> list[str]:
    """Paths of all arrays below a group."""
    found: list[str] = []
    group.visititems(lambda name, node: found.append(str(name)) if isinstance(node, h5py.Dataset) else None)
    return found


def numbers_of(array: h5py.Dataset, where: str) -> np.ndarray:
    """An array as float32 rows, one a step.

    Raises:
        CorruptData: It cannot be read, holds no numbers, or one that is not finite; names the row.
    """
    if array.dtype.kind not in "fiub":
        raise CorruptData(f"{where}: got {array.dtype} in '{array.name}', expected numbers. Correct the file.")
    with reading(f"{where}, '{array.name}'"):
        values = np.asarray(array[()], np.float32)
    values = values.reshape(len(values), -1)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row = int(bad[0][0])
        raise CorruptData(f"{where}, row {row}: got {values[row].tolist()} in '{array.name}', expected finite numbers.")
    return values


def text_of(value: Any, where: str) -> str:
    """A text; raises ``CorruptData`` when it is not UTF-8."""
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        text.encode("utf-8")  # h5py keeps what it cannot decode as surrogates
    except UnicodeError as error:
        raise CorruptData(f"{where}: the text is not UTF-8 ({error}). Correct the file.") from None
    return text


def json_of(node: h5py.Group, name: str, where: str) -> Any:
    """The JSON in an attribute, or None where there is no such attribute.

    Raises:
        CorruptData: It is not JSON.
    """
    if name not in node.attrs:
        return None
    try:
        return json.loads(text_of(node.attrs[name], f"{where}, attribute '{name}'"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise CorruptData(f"{where}: attribute '{name}' is not valid JSON ({error}). Correct the file.") from None
