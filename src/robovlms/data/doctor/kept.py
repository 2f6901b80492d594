"""Some episodes of a source, read once and held in memory."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.types import Episode
from robovlms.data.source import EpisodeSource


@dataclass(frozen=True)
class Kept:
    """A source of episodes in memory; each entry is (episode, what it was cut from, its end flags)."""

    action_spec: ActionSpec
    observation_spec: ObservationSpec
    entries: tuple[tuple[Episode, str, Bool[np.ndarray, " _"] | None], ...]
    rate_hz: float | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [len(episode) for episode, _, _ in self.entries]

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """An episode, with all its images whatever is asked for."""
        return self.entries[index][0]

    def source_of(self, index: int) -> str:
        """What an episode was cut from."""
        return self.entries[index][1]

    def end_flags(self, index: int) -> Bool[np.ndarray, " _"] | None:
        """The end flags of an episode, if the format has any."""
        return self.entries[index][2]

    def measured_rate_hz(self) -> float | None:
        """Rows a second by recorded times, if the format has any."""
        return self.rate_hz

    def fingerprint(self) -> str:
        """Nothing: it is never stored."""
        return ""


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` of the numbers below ``count``, evenly spread."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()


def keep(source: EpisodeSource, most: int) -> Kept:
    """Read at most ``most`` episodes, spread evenly."""
    flags = getattr(source, "end_flags", lambda _: None)
    entries = [(source.read(index), source.source_of(index), flags(index)) for index in spread(len(source), most)]
    rate = getattr(source, "measured_rate_hz", lambda: None)()
    return Kept(source.action_spec, source.observation_spec, tuple(entries), rate)
