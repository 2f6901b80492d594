"""The folder of an evaluation: what runs in it, and every episode exactly once, as soon as it ends.

``episodes.sqlite`` names protocol, checkpoint and all episodes before the first one is played. Each result is one
synced transaction, so that a process may die at any moment and several may write. ``results.json`` appears when no
episode is missing.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from robovlms.core.config import parse
from robovlms.core.errors import UserError
from robovlms.evaluation.agenda import read_agenda, text_of, value_of
from robovlms.evaluation.database import clear_database_errors, connect, transaction
from robovlms.evaluation.results import EpisodeResult

EPISODES, RESULTS = "episodes.sqlite", "results.json"
FORMER = "episodes.jsonl"
"""Where earlier versions kept episodes."""


class EpisodeStore:
    """The episodes of one evaluation, played or not; a context manager.

    An episode that ended well is final. One that an infrastructure error ended is to be played again: the next result
    takes its place.

    Args:
        folder: Has a store; ``opening.open_store`` makes one.

    Raises:
        UserError: There is none, or it cannot be opened.
        CorruptData: It is damaged.
    """

    def __init__(self, folder: Path):
        self.path = folder / EPISODES
        _require_store(folder)
        self._database = connect(self.path)
        try:
            with clear_database_errors(self.path):
                self.agenda = read_agenda(self._database, self.path)
        except BaseException:
            self.close()
            raise

    @property
    def episodes(self) -> list[EpisodeResult]:
        """Results so far, in the order they are played; those of other processes among them."""
        rows = self._query("SELECT id, result FROM episodes WHERE result IS NOT NULL ORDER BY position")
        return [self._episode(*row) for row in rows]

    @property
    def done(self) -> set[str]:
        """Ids of the episodes that need not be played."""
        return {name for (name,) in self._query("SELECT id FROM episodes WHERE status = 'ok'")}

    @property
    def missing(self) -> list[str]:
        """Ids of the episodes without any result, in the order they are played."""
        return [name for (name,) in self._query("SELECT id FROM episodes WHERE result IS NULL ORDER BY position")]

    def record(self, episodes: Iterable[EpisodeResult]) -> None:
        """Keep results, all or none; they survive whatever happens next. The same one again changes nothing.

        Raises:
            UserError: One is known with another outcome, or the disk is full.
        """
        with transaction(self._database, self.path):
            for episode in episodes:
                self._record(episode)

    def alone(self) -> AbstractContextManager[None]:
        """While this context lasts, no other process records or enters it: for the files beside the store."""
        return transaction(self._database, self.path)

    def _record(self, new: EpisodeResult) -> None:
        state = text_of(new.model_dump(mode="json")["initial_state"])
        one = (*self.agenda.identity.key, new.id, state)
        where = "WHERE checkpoint_digest = ? AND protocol_digest = ? AND id = ? AND initial_state = ?"
        row = self._database.execute(f"SELECT result FROM episodes {where}", one).fetchone()
        assert row is not None, f"{new.id} is not on the agenda"
        known = self._episode(new.id, row[0]) if row[0] else None
        if known is None or _replaces(new, known, self.path):
            values = new.status, text_of(new.model_dump(mode="json"))
            self._database.execute(f"UPDATE episodes SET status = ?, result = ? {where}", (*values, *one))

    def _episode(self, name: str, text: str) -> EpisodeResult:
        where = f"{self.path}, episode {name}"
        return parse(EpisodeResult, value_of(text, where), where)

    def _query(self, statement: str) -> list[Any]:
        with clear_database_errors(self.path):
            return self._database.execute(statement).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> "EpisodeStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _replaces(new: EpisodeResult, known: EpisodeResult, path: Path) -> bool:
    """Whether a result takes the place of a known one; of two infrastructure errors one stays, whichever came first."""
    if known.status != "ok":
        return new.status == "ok" or str(new.error) < str(known.error)
    if new.status == "ok" and new != known:
        mine, theirs = new.model_dump(mode="json"), known.model_dump(mode="json")
        lines = "".join(f"\n  - {name}: {theirs[name]!r:.200}, now {mine[name]!r:.200}"
                        for name in mine if mine[name] != theirs[name])  # fmt: skip
        raise UserError(
            f"Episode {new.id} has another result in {path} already:{lines}\n"
            "One policy and protocol give one result on one machine; evaluate again where they did not."
        )
    return False


def _require_store(folder: Path) -> None:
    if not folder.exists():
        raise UserError(f"Folder {folder} does not exist. Expected one that `robovlms evaluate` wrote.")
    if not (folder / EPISODES).is_file():
        held = f"it has {FORMER} of an earlier version" if (folder / FORMER).is_file() else f"no {EPISODES}"
        raise UserError(f"{folder} holds no episodes to go on with: {held}. Evaluate again into another folder.")
