"""All frames of some data sets, decoded once into plain arrays: what a loader gathers windows from.

A store lives in memory, or in a cache folder as memory-mapped ``.npy`` files that several processes share. The folder
is complete or absent, and each file has a checksum, so a damaged cache is noticed and never trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8

from robovlms.actions.embodiments import Conventions
from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.data.damage import Skipped
from robovlms.data.store.encoded import EncodedFrames

RGB = UInt8[np.ndarray, "n _ _ 3"]
IMAGES, ENDS = "images.", "ends."
"""Names of the arrays of a camera: its frames, and where each ends of those that are kept as image files."""


@dataclass(frozen=True, slots=True)
class EpisodeTable:
    """One entry for each episode: rows ``starts`` to ``ends`` - 1 are its frames; ids point into the name lists.

    ``entry_ids`` count the configured sources, in whose order the episodes are.
    """

    starts: Int64[np.ndarray, " e"]
    ends: Int64[np.ndarray, " e"]
    instruction_ids: Int64[np.ndarray, " e"]
    task_ids: Int64[np.ndarray, " e"]
    source_ids: Int64[np.ndarray, " e"]
    dataset_ids: Int64[np.ndarray, " e"]
    entry_ids: Int64[np.ndarray, " e"]
    held_out: Bool[np.ndarray, " e"]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Int64[np.ndarray, " e"]:
        """Number of frames of each episode."""
        return self.ends - self.starts


@dataclass(frozen=True, slots=True)
class FrameStore:
    """Frames of ``n`` control steps of all episodes, in the order of the episodes.

    Attributes:
        images: Camera name to frames at the training size, in the order of ``observation_spec``; see ``pixels``.
        state: Chosen components, in the units of ``observation_spec``; NaN where an embodiment has no such column.
        actions: In the units of their spec, not normalised; columns an embodiment does not have come last, as zeros.
        datasets: Embodiment names; statistics belong to them.
        sources: What episodes were cut from.
        action_spec: What actions mean, or what those of a network for all embodiments do where they differ.
        observation_spec: Likewise; a camera that an embodiment does not have is black.
        embodiments: What the numbers of each embodiment mean, where they differ; else empty.
        skipped: Damaged episodes that are not in it.
    """

    images: Mapping[str, RGB | EncodedFrames]
    state: Float32[np.ndarray, "n _"]
    actions: Float32[np.ndarray, "n a"]
    episodes: EpisodeTable
    instructions: tuple[str, ...]
    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    datasets: tuple[str, ...]
    action_spec: ActionSpec
    observation_spec: ObservationSpec
    embodiments: Mapping[str, Conventions] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def encoded(self) -> bool:
        """Whether frames are kept as image files."""
        return any(isinstance(frames, EncodedFrames) for frames in self.images.values())

    def pixels(self, camera: str, rows: Int64[np.ndarray, " m"]) -> UInt8[np.ndarray, "m _ _ 3"]:
        """Frames of a camera at ``rows``, decoded now where they are kept as image files."""
        frames = self.images[camera]
        return frames[rows] if isinstance(frames, EncodedFrames) else np.take(frames, rows, axis=0)

    def conventions(self, dataset: str) -> Conventions:
        """What the numbers of an embodiment mean."""
        alike = Conventions(action_spec=self.action_spec, observation_spec=self.observation_spec)
        return self.embodiments.get(dataset, alike)

    def actions_of(self, dataset: str, rows: np.ndarray) -> Float32[np.ndarray, "_ _"]:
        """The actions of an embodiment at ``rows``: the columns it has."""
        return self.actions[rows, : self.conventions(dataset).action_spec.dims]

    @property
    def training_episodes(self) -> Int64[np.ndarray, " _"]:
        """Numbers of the episodes to learn from."""
        return np.flatnonzero(~self.episodes.held_out)

    @property
    def heldout_episodes(self) -> Int64[np.ndarray, " _"]:
        """Numbers of the episodes kept for validation."""
        return np.flatnonzero(self.episodes.held_out)

    def frames_of(self, episodes: Sequence[int] | np.ndarray) -> Int64[np.ndarray, " _"]:
        """Rows of all frames of some episodes."""
        table = self.episodes
        rows = [np.arange(table.starts[e], table.ends[e]) for e in episodes]
        return np.concatenate([np.zeros(0, np.int64), *rows])
