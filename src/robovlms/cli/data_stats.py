"""Measuring a data set in one or several processes, with a progress bar, and the table of what was found."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.progress import track
from rich.table import Table

from robovlms.actions.statistics import ActionStatistics
from robovlms.core.processes import end_with_parent
from robovlms.data.damage import Damage, Skipped
from robovlms.data.dataset_statistics import DataStatistics, Streams, merged, stream, summary
from robovlms.data.source import SourceConfig
from robovlms.reports.scales import compact

SHARDS_PER_WORKER = 4


def measure(config: SourceConfig, keep: int, workers: int, quiet: bool = False) -> DataStatistics:
    """Statistics of all episodes.

    Raises:
        CorruptData: An episode is damaged.
        UserError: There is no episode, or a number that is not finite.
    """
    source, damage = config.open(), Damage.of(config)
    if workers == 1:
        streams = stream(source, _shown(range(len(source)), len(source), quiet), keep, damage)
        return summary(source, streams, damage)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), end_with_parent) as pool:
        count = min(workers * SHARDS_PER_WORKER, max(len(source), 1))
        jobs = [pool.submit(_shard, config, range(i, len(source), count), keep) for i in range(count)]
        shards = [job.result() for job in _shown(jobs, count, quiet)]
    damage.skipped += sorted((one for _, skipped in shards for one in skipped), key=lambda one: one.episode)
    return summary(source, merged(streams for streams, _ in shards), damage)


def table(found: DataStatistics) -> Table:
    """A row for each dimension; whole at 80 columns."""
    exact = not found.quantile_rank_error
    note = "exact" if exact else f"their rank is off by at most {found.quantile_rank_error:.2g}"
    listed = Table(caption=f"{found.num_episodes} episodes, {found.action.count} frames; q01 and q99: {note}")
    listed.add_column("", overflow="fold")
    for name in ("mean", "std", "min", "q01", "q99", "max"):
        listed.add_column(name, justify="right", no_wrap=True)
    for part, names, values in _parts(found):
        listed.add_section()
        listed.add_row(f"[bold]{part}[/]")
        for i, name in enumerate(names):
            columns = (values.mean, values.std, values.min, values.q01, values.q99, values.max)
            listed.add_row(name, *(compact(column[i]) for column in columns))
    return listed


def _parts(found: DataStatistics) -> list[tuple[str, tuple[str, ...], ActionStatistics]]:
    state = [("state", found.state_names, found.state)] if found.state else []
    return [("action", found.action_names, found.action), *state]


def _shard(config: SourceConfig, episodes: range, keep: int) -> tuple[Streams, list[Skipped]]:
    damage = Damage.of(config)
    return stream(config.open(), episodes, keep, damage), damage.skipped


def _shown(work: Iterable, total: int, quiet: bool) -> Iterable:
    """The same, with a progress bar on the error stream."""
    return track(work, "measuring", total=total, console=Console(stderr=True), transient=True, disable=quiet)
