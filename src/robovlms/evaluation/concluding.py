"""The end of an evaluation: results once nothing is missing, and an index of its clips."""

from collections.abc import Callable, Sequence
from pathlib import Path

from robovlms.core.errors import WorkFailed
from robovlms.core.files import write_json
from robovlms.evaluation import results
from robovlms.evaluation.results import EpisodeResult, Results, Stopped
from robovlms.evaluation.store import RESULTS, EpisodeStore

VIDEOS, VIDEO_INDEX = "videos", "index.json"
Decide = Callable[[Sequence[EpisodeResult]], tuple[Stopped, Sequence[EpisodeResult]] | None]
"""Whether the episodes that ended decide the evaluation, and which of them do."""


def undecided(episodes: Sequence[EpisodeResult]) -> None:
    """Nobody asked."""


def conclude(store: EpisodeStore, out: Path, decided: Decide = undecided) -> Results:
    """The results of a store, written to ``out`` if it is decided or no episode is missing.

    Raises:
        WorkFailed: No episode counts.
    """
    identity = store.agenda.identity
    with store.alone():
        episodes = store.episodes
        stopped, kept = decided(episodes) or (None, episodes)
        found = results.build(identity.protocol, identity.checkpoint, kept, stopped, identity.versions)
        if stopped or not store.missing:
            results.write(found, out / RESULTS)
    if episodes and not found.metrics:
        raise WorkFailed(f"Every episode ended in an infrastructure error, such as: {episodes[0].error}")
    return found


def write_video_index(folder: Path, episodes: Sequence[EpisodeResult]) -> None:
    """What the clips that are there show, those of earlier calls among them."""
    entries = [
        {
            "file": f"{episode.id}.mp4",
            "chain": episode.id,
            "instructions": [task.instruction for task in episode.tasks],
            "solved": episode.num_solved,
        }
        for episode in episodes
        if (folder / f"{episode.id}.mp4").is_file()
    ]
    if entries:
        write_json(folder / VIDEO_INDEX, entries)
