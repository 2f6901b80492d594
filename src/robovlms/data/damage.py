"""Damaged episodes: an error, or left out and remembered where the settings of their data say ``skip_bad``."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from robovlms.core.errors import CorruptData
from robovlms.data.source import SourceConfig


@dataclass(frozen=True, slots=True)
class Skipped:
    """An episode that was left out; ``reason`` names the file, and the row or record in it."""

    data: str
    episode: int
    reason: str


@dataclass
class Damage:
    """What is done about damaged episodes of one data set, and those that were left out so far."""

    path: Path
    skip: bool
    skipped: list[Skipped] = field(default_factory=list)

    @classmethod
    def of(cls, config: SourceConfig) -> "Damage":
        """As the settings of the data say."""
        return cls(config.path, config.skip_bad)

    @contextmanager
    def left_out(self, index: int) -> Generator[None]:
        """Read an episode and use it; damage found on reading ends the block, and is an error where none is skipped."""
        try:
            yield
        except CorruptData as error:
            if not self.skip:
                raise
            self.note(index, str(error))

    def note(self, index: int, reason: str) -> None:
        """Remember an episode that was left out."""
        self.skipped.append(Skipped(str(self.path), index, reason))

    def require_some(self, num_episodes: int) -> None:
        """Raise ``CorruptData`` when every one of ``num_episodes`` was left out."""
        if self.skipped and len(self.skipped) == num_episodes:
            first = self.skipped[0].reason
            raise CorruptData(f"{self.path}: all {num_episodes} episodes are damaged, so none is left. First: {first}")
