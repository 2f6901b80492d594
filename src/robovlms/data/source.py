"""A data set of any format: its settings, and the one interface that all open."""

from abc import abstractmethod
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import Field

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.config import Config
from robovlms.core.types import Episode


@runtime_checkable
class EpisodeSource(Protocol):
    """A data set of any format, read one episode at a time."""

    @property
    def action_spec(self) -> ActionSpec:
        """What its actions mean."""
        ...

    @property
    def observation_spec(self) -> ObservationSpec:
        """All its cameras and its whole state."""
        ...

    def __len__(self) -> int: ...

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        ...

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode with the images of ``cameras``."""
        ...

    def source_of(self, index: int) -> str:
        """What the episode was cut from: episodes of one source are never split over training and held-out data."""
        ...

    def fingerprint(self) -> str:
        """Changes whenever the data set does."""
        ...


class SourceConfig(Config):
    """What every format has in common."""

    path: Path
    """Folder of the data set."""
    embodiment: str | None = None
    """Name the action statistics are kept under; the name of the folder when None. Equal names share statistics."""
    cameras: tuple[str, ...] | None = None
    """Cameras to use, in this order."""
    state: tuple[str, ...] | None = None
    """State components to use, in this order; ``()`` uses none, None the main ones of the format, else all."""
    holdout: float = Field(0.05, ge=0, lt=1)
    """Share of the sources (files, chains, or episodes where nothing else is known) kept for validation."""
    weight: float | None = Field(None, gt=0)
    """What share of the samples comes from this data, beside the weights of the others; its windows when None."""
    skip_bad: bool = False
    """Leave damaged episodes out and say which, instead of stopping at the first."""

    @property
    def name(self) -> str:
        """Embodiment of this data."""
        return self.embodiment or self.path.name

    def unweighted(self) -> "SourceConfig":
        """All that decides which frames there are."""
        return self.model_copy(update={"weight": None})

    def select(self, source: EpisodeSource) -> ObservationSpec:
        """The part of the observations this configuration uses, in its order.

        Raises:
            UnknownName: A camera or state component the data does not have.
        """
        cameras = self.main_cameras(source) if self.cameras is None else self.cameras
        return source.observation_spec.select(cameras, self.main_state(source) if self.state is None else self.state)

    @abstractmethod
    def open(self) -> EpisodeSource:
        """Open the data set; reads its metadata only."""

    def main_cameras(self, source: EpisodeSource) -> tuple[str, ...]:
        """The cameras used when none are named."""
        return source.observation_spec.camera_names

    def main_state(self, source: EpisodeSource) -> tuple[str, ...]:
        """The state components used when none are named."""
        return source.observation_spec.state_names


def main_of(wanted: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``wanted`` that were found, else all."""
    return tuple(name for name in wanted if name in found) or found
