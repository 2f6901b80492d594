"""Folders and files that are either complete or absent: everything is written beside its place and renamed."""

import errno
import json
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from robovlms.core.errors import CorruptData, UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when nothing more fits."""


def partial_folder(path: Path) -> Path:
    """A fresh, empty folder beside ``path`` to write into; ``publish`` gives it its name.

    Raises:
        UserError: ``path`` already holds something.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} already exists and is not empty. Choose another output folder, or remove this one.")
    partial = path.parent / f".{path.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with clear_disk_errors(path):
        partial.mkdir(parents=True)
    return partial


@contextmanager
def new_folder(path: Path) -> Generator[Path]:
    """A folder beside ``path`` to write into, which takes its name at the end; an error or an interrupt removes it.

    Raises:
        UserError: ``path`` already holds something.
    """
    partial = partial_folder(path)
    try:
        yield partial
        publish(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def no_empty_folders(*paths: Path) -> Generator[None]:
    """Where an error ends the work, remove those of these folders, and of all above, that it made and left empty."""
    new = [folder for path in paths for folder in (path, *path.parents) if not folder.exists()]
    try:
        yield
    except BaseException:
        for folder in new:
            with suppress(OSError):  # it holds something, or was never made
                folder.rmdir()
        raise


def publish(partial: Path, path: Path) -> None:
    """Rename a finished folder or file to ``path``, replacing an empty folder or an old file."""
    with clear_disk_errors(path):
        os.replace(partial, path)  # noqa: PTH105 - Path.replace cannot be told from str.replace by a reader


def write_json(path: Path, data: Any, indent: int = 2) -> None:
    """Write JSON whole or not at all: to a file beside its place, synced, then renamed; its folder is made if need be.

    Raises:
        UserError: The disk is full, or the place cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            file.write(json.dumps(data, indent=indent, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
    publish(partial, path)


def read_json(path: Path, kind: type = dict, remedy: str = "Copy or create it again.") -> Any:
    """Read a JSON file with a ``kind`` at its top.

    Raises:
        CorruptData: The file is missing, damaged or holds something else; the message ends with ``remedy``.
    """
    if not path.is_file():
        raise CorruptData(f"{path} is missing. {remedy}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise CorruptData(f"{path} is not valid JSON ({error}). {remedy}") from None
    if not isinstance(data, kind):
        raise CorruptData(f"{path}: got {type(data).__name__} at the top, expected {kind.__name__}. {remedy}")
    return data


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of each line of a file with one JSON object a line; empty lines are passed over.

    Raises:
        CorruptData: The file is missing, or a line is not UTF-8, not JSON, or no object; the message names it.
    """
    if not path.is_file():
        raise CorruptData(f"{path} is missing. Copy or create it again.")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{path}, line {number}"
                yield where, _object(line, where)


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CorruptData(f"{where}: the text is not UTF-8 ({error}). Correct it, or leave the line out.") from None
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"{where} is not valid JSON ({error}). Copy or create the file again.") from None
    if not isinstance(data, dict):
        raise CorruptData(f"{where}: got {type(data).__name__}, expected an object.")
    return data


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON may escape half of a character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def inside(folder: Path, relative: str, where: str) -> Path:
    """``relative`` below ``folder``; raises ``CorruptData`` when it leads out of it, without following links."""
    path = Path(os.path.normpath(relative))
    if path.is_absolute() or path.parts[:1] == (os.pardir,):
        raise CorruptData(f"{where} leads out of the data set: '{relative}'. Do not trust this data set.")
    return folder / relative


@contextmanager
def clear_disk_errors(path: Path) -> Generator[None]:
    """Turn a full disk or a folder that cannot be written into a ``UserError`` that names the place."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def disk_error(error: Exception, path: Path | str) -> UserError:
    """What to tell a user whose disk refused to hold ``path``; libraries that write for us may wrap the reason."""
    full = getattr(error, "errno", None) in FULL or "No space left" in str(error)
    if full:
        return UserError(f"The disk is full: writing {path} failed. Free space, or choose another folder.")
    reason = getattr(error, "strerror", None) or error
    return UserError(f"{path} cannot be written ({reason}). Choose another output folder.")
