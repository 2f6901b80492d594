"""Batches of windows: batch ``i`` is a pure function of (seed, i), for any number of ranks, workers or restarts.

Sample ``g`` of the stream is what ``mixture`` draws for (seed, ``g``): each window once an epoch, or data sets by their
weights. Batch ``i`` holds samples ``i B`` to ``(i + 1) B - 1``; rank ``r`` of ``w`` takes every ``w``-th of them. So
the resume cursor is one integer, and the samples a model has seen do not depend on how many processes trained it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool

from robovlms.actions.normalize import Normalizer
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.data.augment import AugmentConfig, augment
from robovlms.data.mixture import Mixture
from robovlms.data.prefetch import prefetched
from robovlms.data.store.frames import FrameStore
from robovlms.data.window import WindowConfig, Windows, lay_out, window_ends, windows_per_episode


class Loader:
    """Gathers batches from a frame store. It knows nothing of files or devices."""

    def __init__(
        self,
        store: FrameStore,
        episodes: Sequence[int] | np.ndarray,
        window: WindowConfig,
        batch_size: int,
        normalizers: Mapping[str, Normalizer],
        seed: int = 0,
        augment: AugmentConfig | None = None,
        shuffle: bool = True,
        media: np.ndarray | None = None,
        weights: Sequence[float] | None = None,
    ):
        """Prepare the index; no pixel is touched.

        Args:
            store: The frames.
            episodes: Which of its episodes to use, for example ``store.training_episodes``.
            window: Shape of a sample.
            batch_size: Windows in a batch, over all ranks.
            normalizers: By embodiment; applied to the actions.
            seed: Of the order, the phase of the windows and the augmentation.
            augment: How images are varied; not at all when None.
            shuffle: False keeps the order of the store, for measuring.
            media: Encoded frames (rows of the store, cameras, tokens, width), given to batches instead of images.
            weights: Share of the samples of each configured source; in proportion to their windows when None.

        Raises:
            UserError: No episode to draw from, an embodiment without a normaliser, or a weight for nothing.
        """
        if not len(episodes):
            raise UserError("There is no episode to load. Add data, or change the held-out fraction.")
        self.store, self.window, self.batch_size, self.seed = store, window, batch_size, seed
        self.augment, self.shuffle, self.media = augment, shuffle, media
        self._episodes = np.asarray(episodes)
        counts = windows_per_episode(window, store.episodes.lengths[self._episodes])
        self._first = np.concatenate([[0], np.cumsum(counts)])
        self._actions = normalized(store, normalizers)
        self._columns = _partly([normalizers[name].present for name in store.datasets])
        counted = [len(store.conventions(name).observation_spec.cameras) for name in store.datasets]
        self._cameras = _partly([np.arange(len(store.images)) < count for count in counted])
        entries = store.episodes.entry_ids[self._episodes]
        assert (np.diff(entries) >= 0).all(), "episodes are in the order of the sources"
        mixed = np.bincount(entries, counts, len(weights) if weights else 0).astype(np.int64)
        self._mixture = Mixture(mixed, weights, seed)

    def __len__(self) -> int:
        """Windows in an epoch."""
        return int(self._first[-1])

    @property
    def batches_per_epoch(self) -> int:
        """Batches that see every window once, the last one padded from the next epoch."""
        return -(-len(self) // self.batch_size)

    def batch(self, index: int, rank: int = 0, world_size: int = 1) -> Batch:
        """The share of ``rank`` in batch ``index``.

        Raises:
            UserError: The batch does not divide over the ranks.
        """
        if self.batch_size % world_size:
            raise UserError(f"Batch size {self.batch_size} does not divide over {world_size} processes.")
        samples = np.arange(index * self.batch_size + rank, (index + 1) * self.batch_size, world_size)
        episodes, windows = self._windows(samples)
        return self._gather(index, episodes, windows)

    def stream(self, first: int = 0, rank: int = 0, world_size: int = 1, ahead: int = 2) -> Iterator[Batch]:
        """Batches ``first``, ``first`` + 1, ... without end, ``ahead`` of them prepared in a background thread."""
        return prefetched(lambda index: self.batch(index, rank, world_size), first, ahead)

    def _windows(self, samples: np.ndarray) -> tuple[np.ndarray, Windows]:
        """Episode and rows of each sample."""
        size = len(self)
        numbers, passes = self._mixture.draw(samples) if self.shuffle else (samples % size, samples // size)
        which = np.searchsorted(self._first, numbers, side="right") - 1
        episodes, table = self._episodes[which], self.store.episodes
        within = window_ends(
            self.window, numbers - self._first[which], table.lengths[episodes], episodes, self.seed, passes
        )
        starts, ends = table.starts[episodes], table.ends[episodes]
        return episodes, lay_out(self.window, starts + within, starts, ends)

    def _gather(self, index: int, episodes: np.ndarray, windows: Windows) -> Batch:
        store, table = self.store, self.store.episodes
        frames, frame_index = np.unique(windows.frames, return_inverse=True)
        sentences, sentence_index = np.unique(table.instruction_ids[episodes], return_inverse=True)
        actions = self._actions[windows.actions] * windows.action_mask[..., None]
        datasets = table.dataset_ids[episodes]
        return Batch(
            images={} if self.media is not None else self._images(index, frames),
            frame_id=torch.from_numpy(frames),
            frame_index=torch.from_numpy(frame_index.reshape(windows.frames.shape)),
            frame_valid=torch.from_numpy(windows.frame_valid),
            instructions=tuple(store.instructions[i] for i in sentences),
            instruction_index=torch.from_numpy(sentence_index),
            state=torch.from_numpy(store.state[windows.frames]),
            actions=torch.from_numpy(actions),
            action_mask=torch.from_numpy(windows.action_mask),
            dataset_id=torch.from_numpy(datasets),
            action_columns=None if self._columns is None else torch.from_numpy(self._columns[datasets]),
            cameras=None if self._cameras is None else torch.from_numpy(self._cameras[datasets]),
            media=None if self.media is None else torch.from_numpy(np.take(self.media, frames, axis=0)),
        )

    def _images(self, index: int, frames: np.ndarray) -> dict[str, torch.Tensor]:
        groups = index * len(self.store.episodes) + np.searchsorted(self.store.episodes.starts, frames, side="right")
        found = {}
        for number, camera in enumerate(self.store.images):
            taken = self.store.pixels(camera, frames)
            if self.augment:
                taken = augment(taken, groups, self.augment, self.seed, number)
            found[camera] = torch.from_numpy(taken)
        return found


def normalized(store: FrameStore, normalizers: Mapping[str, Normalizer]) -> np.ndarray:
    """All actions of a store, each normalised with the statistics of its embodiment."""
    missing = sorted(set(store.datasets) - set(normalizers))
    if missing:
        raise UserError(f"No action statistics for {missing}: got {sorted(normalizers)}. Compute them from this data.")
    actions = np.empty(store.actions.shape, np.float32)
    table = store.episodes
    for number, name in enumerate(store.datasets):
        rows = store.frames_of(np.flatnonzero(table.dataset_ids == number))
        actions[rows] = normalizers[name].normalize(store.actions_of(name, rows))
    return actions


def _partly(has: list[np.ndarray]) -> Bool[np.ndarray, "e _"] | None:
    """What each embodiment has, unless all have everything."""
    table = np.stack(has)
    return None if table.all() else table
