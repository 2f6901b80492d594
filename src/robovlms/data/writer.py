"""What writers of every format share: a data set is complete or absent, and one without episodes is not written."""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from robovlms.core.errors import UserError
from robovlms.core.files import partial_folder, publish
from robovlms.core.types import Episode

Writer = TypeVar("Writer", bound="DatasetWriter")


class DatasetWriter(ABC):
    """Appends episodes to a folder beside ``path``, which is renamed to it on ``close``; a context manager."""

    def __init__(self, path: Path | str):
        """Start a data set.

        Raises:
            UserError: ``path`` holds something, or cannot be written.
        """
        self.path = Path(path)
        self._partial = partial_folder(self.path)

    @abstractmethod
    def add(self, episode: Episode) -> None:
        """Append one episode."""

    @property
    @abstractmethod
    def num_episodes(self) -> int:
        """Episodes that were added."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is said about the episodes, when all are there."""

    def close(self) -> Path:
        """Describe the episodes and give the folder its name; returns ``path``.

        Raises:
            UserError: no episode was added, or the disk is full.
        """
        if not self.num_episodes:
            self.abort()
            raise UserError(f"No episode was added, so {self.path} was not written.")
        self.finish()
        publish(self._partial, self.path)
        return self.path

    def abort(self) -> None:
        """Throw away what was written so far."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def __enter__(self: Writer) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
