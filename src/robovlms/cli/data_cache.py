"""Decoding the frames of an experiment before it is trained, with an estimate, a progress bar and a check."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from robovlms.architectures.model import image_spec_before
from robovlms.cli.skipped import tell_skipped
from robovlms.core.errors import UserError
from robovlms.data.images import JPEG_QUALITY
from robovlms.data.store.build import build_store, bytes_needed, cache_folder, open_sources
from robovlms.data.store.build_encoded import bytes_encoded, encoded_folder, keep_encoded
from robovlms.data.store.cache import load_store
from robovlms.data.store.fill import OnEpisode
from robovlms.data.store.place import partial_of
from robovlms.training.experiment import Experiment


def decode(
    experiment: Experiment,
    cache: Path,
    console: Console,
    estimate: bool = False,
    verify: bool = False,
    encoded: bool = False,
) -> None:
    """Make the frame store that training finds in ``cache``.

    Args:
        experiment: What will be trained: its data, cameras, state, and the image size of its model.
        cache: The folder.
        console: Where to tell it.
        estimate: Say how large it will be, and decode nothing.
        verify: Compare every checksum of the finished store.
        encoded: Keep image files, which fit models of any image size, instead of pixels.

    Raises:
        UserError: the disk has no room for it.
        CorruptData: an episode, or a file of the store, is damaged.
    """
    opened = open_sources(experiment.data)
    pixels = image_spec_before(experiment.model, opened.observation_spec)
    folder = encoded_folder(opened, cache) if encoded else cache_folder(opened, pixels, cache)
    size = bytes_encoded(opened) if encoded else bytes_needed(opened, pixels)
    frames = sum(sum(source.lengths()) for source in opened.sources)
    kept = f"as image files (else JPEG of quality {JPEG_QUALITY}): about" if encoded else f"at {pixels.size} px:"
    console.print(f"{frames:,} frames {kept} {size / 1e9:.2f} GB in {folder}", soft_wrap=True)
    if estimate:
        return
    if not folder.exists():
        _require_room(cache, size - _begun(folder))
        with _bar() as on_episode:
            if encoded:
                keep_encoded(opened, cache, on_episode)
            else:
                build_store(opened, pixels, cache, on_episode)
    store = load_store(folder, verify)
    tell_skipped(store.skipped, console)
    console.print(f"It is there{' and sound' if verify else ''}. Train with --cache {cache}", soft_wrap=True)


@contextmanager
def _bar() -> Generator[OnEpisode]:
    columns = (TextColumn("[bold]decoding episodes"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _begun(folder: Path) -> int:
    """Bytes that an unfinished store has taken already."""
    return sum(file.stat().st_size for file in partial_of(folder).glob("*.npy"))


def _require_room(cache: Path, size: int) -> None:
    place = next(path for path in (cache.absolute(), *cache.absolute().parents) if path.exists())
    if size > (free := shutil.disk_usage(place).free):
        raise UserError(
            f"{cache}: the frames need {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free. Free space, name another "
            "--cache, or fewer cameras."
        )
