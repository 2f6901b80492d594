"""Joins folders of one evaluation: parts that several machines played, or one that was begun twice."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from robovlms.core.errors import UserError
from robovlms.core.files import clear_disk_errors, new_folder
from robovlms.evaluation.agenda import Agenda
from robovlms.evaluation.concluding import VIDEOS, conclude, write_video_index
from robovlms.evaluation.opening import open_store
from robovlms.evaluation.results import Checkpoint, Results
from robovlms.evaluation.store import EpisodeStore

PROVENANCE = ("experiment.json", "training/metrics.jsonl")


def merge(folders: Sequence[Path], out: Path) -> tuple[Results, list[str]]:
    """Write all episodes of several folders, and their clips, into a new one; the order of folders does not matter.

    Returns:
        The results, which ``out`` holds if no episode is missing, and the ids of those that are.

    Raises:
        UserError: A folder holds no evaluation, or another one than the first; two folders disagree on an episode; or
            ``out`` is not empty.
        WorkFailed: No episode counts.
    """
    if not folders:
        raise UserError("Got no folders to merge, expected one or more that `robovlms evaluate` wrote.")
    with ExitStack() as stack:
        stores = [stack.enter_context(EpisodeStore(folder)) for folder in folders]
        agenda = _common(folders, stores)
        partial = stack.enter_context(new_folder(out))
        merged = stack.enter_context(open_store(partial, agenda))
        for store in stores:
            merged.record(store.episodes)
        for folder in folders:
            _copy_files(folder, partial)
        write_video_index(partial / VIDEOS, merged.episodes)
        return conclude(merged, partial), merged.missing


def _common(folders: Sequence[Path], stores: Sequence[EpisodeStore]) -> Agenda:
    """What all play. A checkpoint may lie elsewhere on each machine: the first path in the alphabet is kept."""
    first = stores[0].agenda
    for folder, store in zip(folders[1:], stores[1:], strict=True):
        if differences := first.differences(store.agenda):
            lines = "".join(f"\n  - {name}: {here}, there {there}" for name, here, there in differences)
            raise UserError(f"{folders[0]} and {folder} hold different evaluations:{lines}\nMerge only parts of one.")
    path = min(store.agenda.identity.checkpoint.path for store in stores)
    checkpoint = Checkpoint(path, first.identity.checkpoint.digest)
    return replace(first, identity=replace(first.identity, checkpoint=checkpoint))


def _copy_files(folder: Path, out: Path) -> None:
    """Clips and what says how the policy was made, so that the merged folder makes a whole report by itself."""
    with clear_disk_errors(out):
        for source in [folder / name for name in PROVENANCE] + sorted((folder / VIDEOS).glob("*.mp4")):
            target = out / source.relative_to(folder)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
