"""Folders and files that are either complete or absent: everything is written beside its place and renamed."""

import errno
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from robovlms.core.errors import CorruptData, UserError


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


def publish(partial: Path, path: Path) -> None:
    """Rename a finished folder or file to ``path``, replacing an empty folder or an old file."""
    with clear_disk_errors(path):
        os.replace(partial, path)  # noqa: PTH105 - Path.replace cannot be told from str.replace by a reader


def write_json(path: Path, data: Any) -> None:
    """Write JSON that reads well in a diff: sorted nowhere, indented, one trailing newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with clear_disk_errors(path):
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CorruptData: The file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise CorruptData(f"{path} is missing. The data set is incomplete: copy or create it again.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CorruptData(f"{path} is not valid JSON ({error}). Copy or create the data set again.") from None
    if not isinstance(data, dict):
        raise CorruptData(f"{path}: got {type(data).__name__}, expected a JSON object.")
    return data


@contextmanager
def clear_disk_errors(path: Path) -> Generator[None]:
    """Turn a full disk or a folder that cannot be written into a ``UserError`` that names the place."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError(
                f"The disk is full: writing {path} failed. Free space, or choose another folder."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise UserError(f"{path} cannot be written ({error.strerror}). Choose another output folder.") from error
        raise
