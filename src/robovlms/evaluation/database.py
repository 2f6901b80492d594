"""A SQLite file that several processes may write, and what its errors mean to a user."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from robovlms.core.errors import CorruptData, UserError
from robovlms.core.files import clear_disk_errors

BUSY_S = 60.0
"""How long a writer waits for another one."""
KEPT = "Finished episodes are kept: --resume goes on."


def connect(path: Path) -> sqlite3.Connection:
    """Open or make a database; its folder is made if need be.

    Writers append to a log beside it (WAL), which the next reader takes in after a kill, and every commit is synced.

    Raises:
        UserError: The place cannot be written.
        CorruptData: The file is no database, or damaged.
    """
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with clear_database_errors(path):
        database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            database.close()
            raise
        return database


@contextmanager
def transaction(database: sqlite3.Connection, path: Path) -> Generator[None]:
    """Everything inside happens or nothing does, and no other process writes meanwhile.

    Raises:
        UserError: The disk is full, or the place cannot be written.
        CorruptData: The database is damaged.
    """
    with clear_database_errors(path):
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            database.rollback()
            raise


@contextmanager
def clear_database_errors(path: Path) -> Generator[None]:
    """Turn SQLite's errors into errors that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error


def _explained(error: sqlite3.Error, path: Path) -> UserError:
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:  # the rest of the bits tell details
        case sqlite3.SQLITE_FULL:
            return UserError(f"The disk is full: writing {path} failed. Free space. {KEPT}")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return UserError(f"{path} was in use by another process for {BUSY_S:g} s. Stop that one. {KEPT}")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR:  # the last: other tables than ours
            return CorruptData(f"{path} is damaged ({error}). Evaluate again into another folder.")
    return UserError(f"{path} cannot be written ({error}). Check its folder, rights and space. {KEPT}")
