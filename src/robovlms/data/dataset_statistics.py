"""Statistics of every number of a data set, one episode in memory at a time, kept in a file beside the data."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from robovlms.actions.statistics import ActionStatistics
from robovlms.core.config import Config, parse
from robovlms.core.files import read_json, write_json
from robovlms.data.damage import Damage, Skipped
from robovlms.data.source import EpisodeSource
from robovlms.data.stats import CHANCE, StreamingStatistics

FILE = "statistics.json"
_EPISODE = 2**32
"""Row numbers of an episode begin at its number times this, so that shards of episodes can be merged."""

Streams = tuple[StreamingStatistics, StreamingStatistics]
"""Of the actions, and of the state."""


class DataStatistics(Config):
    """The file ``statistics.json``; names are those of the components, one for each dimension."""

    schema_version: Literal[1] = 1
    fingerprint: str
    num_episodes: int
    action_names: tuple[str, ...]
    action: ActionStatistics
    state_names: tuple[str, ...] = ()
    state: ActionStatistics | None = None
    quantile_rank_error: float
    """0 where quantiles are exact; else q01 lies between the quantiles 0.01 - this and 0.01 + this, q99 likewise."""
    chance_of_more: float = CHANCE
    skipped: tuple[Skipped, ...] = ()
    """Damaged episodes that are not in it."""


def stream(source: EpisodeSource, episodes: Iterable[int], keep: int, damage: Damage) -> Streams:
    """Statistics of some episodes; ``keep`` rows are remembered for quantiles. No image is decoded.

    Raises:
        CorruptData: An episode is damaged, and ``damage`` is not to leave it out.
    """
    action, state = StreamingStatistics(keep), StreamingStatistics(keep)
    for index in episodes:
        with damage.left_out(index):
            episode = source.read(index, cameras=())
            action.add(episode.actions, index * _EPISODE)
            if episode.state.shape[1]:
                state.add(episode.state, index * _EPISODE)
    return action, state


def merged(shards: Iterable[Streams]) -> Streams:
    """Statistics of the episodes of all shards, which must be of one data set and have none in common."""
    first, *others = shards
    for action, state in others:
        first[0].merge(action)
        first[1].merge(state)
    return first


def summary(source: EpisodeSource, streams: Streams, damage: Damage) -> DataStatistics:
    """The file's contents.

    Raises:
        UserError: The data set has no frames.
        CorruptData: All its episodes are damaged.
    """
    damage.require_some(len(source))
    action, state = streams
    actions, observations = source.action_spec.components, source.observation_spec.state
    return DataStatistics(
        fingerprint=source.fingerprint(),
        num_episodes=len(source) - len(damage.skipped),
        action_names=tuple(_names(actions)),
        action=action.result(),
        state_names=tuple(_names(observations)),
        state=state.result() if state.count else None,
        quantile_rank_error=max(action.rank_error, state.rank_error),
        skipped=tuple(damage.skipped),
    )


def beside(path: Path) -> Path:
    """Where the statistics of the data at ``path`` are kept: in its folder, or beside its file."""
    return path / FILE if path.is_dir() else path.with_name(f"{path.stem}.{FILE}")


def save(path: Path, statistics: DataStatistics) -> None:
    """Write the file whole or not at all."""
    write_json(path, statistics.model_dump(mode="json"))


def load(path: Path) -> DataStatistics:
    """Read what ``save`` wrote; raises ``CorruptData``."""
    return parse(DataStatistics, read_json(path), path)


def _names(components: Iterable) -> Iterable[str]:
    for component in components:
        many = component.dims > 1
        yield from (f"{component.name}_{i}" if many else component.name for i in range(component.dims))
