"""What an episode store knows before the first episode: the evaluation's identity and all that it will play."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robovlms.core.config import parse
from robovlms.core.errors import CorruptData, UserError
from robovlms.evaluation.episode import Job, episode_result
from robovlms.evaluation.identity import Identity
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint

SCHEMA = (
    """CREATE TABLE evaluation (
        checkpoint_digest TEXT, protocol_digest TEXT, checkpoint TEXT, protocol TEXT, versions TEXT,
        PRIMARY KEY (checkpoint_digest, protocol_digest))""",
    """CREATE TABLE episodes (
        position INTEGER PRIMARY KEY, checkpoint_digest TEXT, protocol_digest TEXT, id TEXT, tasks TEXT,
        initial_state TEXT, status TEXT, result TEXT, UNIQUE (checkpoint_digest, protocol_digest, id),
        FOREIGN KEY (checkpoint_digest, protocol_digest) REFERENCES evaluation)""",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One episode to play; ``tasks`` and ``initial_state`` are JSON."""

    id: str
    tasks: str
    initial_state: str


@dataclass(frozen=True, slots=True)
class Agenda:
    """An evaluation and its episodes, in the order they are played."""

    identity: Identity
    episodes: tuple[Planned, ...]

    @classmethod
    def of(cls, identity: Identity, jobs: Sequence[Job]) -> "Agenda":
        """The agenda that plays ``jobs``."""
        return cls(identity, tuple(_planned(job) for job in jobs))

    def differences(self, other: "Agenda") -> list[tuple[str, str, str]]:
        """(field, here, there) of everything that differs, in words."""
        found = self.identity.differences(other.identity)
        if found or self.episodes == other.episodes:
            return found
        pairs = zip(self.episodes, other.episodes, strict=False)
        here, there = next(((a, b) for a, b in pairs if a != b), (len(self.episodes), len(other.episodes)))
        return [("episodes", f"{here!r:.200}", f"{there!r:.200}")]


def write_agenda(database: sqlite3.Connection, agenda: Agenda) -> bool:
    """Write an agenda into an empty database; False, and nothing written, where there is one already."""
    if not is_empty(database):
        return False
    for statement in SCHEMA:
        database.execute(statement)
    identity = agenda.identity
    texts = identity.checkpoint.path, identity.protocol.canonical(), text_of(dict(identity.versions))
    database.execute("INSERT INTO evaluation VALUES (?, ?, ?, ?, ?)", (*identity.key, *texts))
    rows = [(*identity.key, one.id, one.tasks, one.initial_state) for one in agenda.episodes]
    database.executemany(
        "INSERT INTO episodes (checkpoint_digest, protocol_digest, id, tasks, initial_state) VALUES (?, ?, ?, ?, ?)",
        rows,
    )
    return True


def is_empty(database: sqlite3.Connection) -> bool:
    """Whether nothing was written yet, as when a process died while it began."""
    return database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def read_agenda(database: sqlite3.Connection, path: Path) -> Agenda:
    """Read what ``write_agenda`` wrote.

    Raises:
        UserError: Nothing was written yet.
        CorruptData: It is damaged.
    """
    if is_empty(database):
        raise UserError(f"{path} is empty: its evaluation never began. Leave its folder out, or evaluate into it.")
    asked = "SELECT checkpoint, checkpoint_digest, protocol, versions FROM evaluation"
    row = database.execute(asked).fetchone()
    if row is None:
        raise CorruptData(f"{path} is damaged (it names no evaluation). Evaluate again into another folder.")
    checkpoint, digest, protocol, versions = row
    held = parse(Protocol, value_of(protocol, path), path)
    identity = Identity(held, Checkpoint(checkpoint, digest), value_of(versions, path))
    rows = database.execute("SELECT id, tasks, initial_state FROM episodes ORDER BY position")
    return Agenda(identity, tuple(Planned(*row) for row in rows))


def text_of(value: Any) -> str:
    """JSON; equal for equal values that were made in the same order."""
    return json.dumps(value, ensure_ascii=False)


def value_of(text: str, where: Path | str) -> Any:
    """What JSON in a database holds; raises ``CorruptData`` naming ``where``."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise CorruptData(f"{where} is not valid JSON: {error}. Evaluate again into another folder.") from None


def _planned(job: Job) -> Planned:
    state = episode_result(job).model_dump(mode="json")["initial_state"]
    return Planned(job.id, text_of(job.tasks), text_of(state))
