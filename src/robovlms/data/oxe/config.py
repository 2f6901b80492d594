"""Settings of an RLDS data set."""

from typing import Literal

from pydantic import PositiveFloat, model_validator

from robovlms.data.rlds.convention import RLDSConvention
from robovlms.data.source import EpisodeSource, SourceConfig


class RLDSConfig(SourceConfig):
    """An RLDS folder (Open X-Embodiment and others): the version folder, which holds ``features.json``."""

    kind: Literal["rlds"] = "rlds"
    split: str = "train"
    convention: str | None = None
    """Name of a table (see ``oxe``); when None, what the folder says of itself, else the table of its own name."""
    features: RLDSConvention | None = None
    """What the features mean, where no table fits."""
    rate_hz: PositiveFloat | None = None
    """Control rate (Hz), where no source states it or another is right."""
    bgr_cameras: tuple[str, ...] | None = None
    """Cameras whose files have red and blue swapped; when None, what the table says (see ``oxe.choose``)."""
    instruction: str | None = None
    """The sentence of all episodes, where the records say none or another is wanted."""
    only_rt_partial: bool = False
    """Keep the episodes whose instruction is one of RT-Partial."""

    @model_validator(mode="after")
    def _one_convention(self) -> "RLDSConfig":
        if self.convention and self.features:
            raise ValueError("got both convention and features, expected one of them")
        if self.instruction and self.only_rt_partial:
            raise ValueError("got both instruction and only_rt_partial, expected one of them")
        return self

    def open(self) -> EpisodeSource:
        """Read the descriptions and the record lengths."""
        from robovlms.data.oxe.dataset import OXEDataset

        return OXEDataset(
            self.path,
            self.split,
            self.features or self.convention,
            self.rate_hz,
            self.bgr_cameras,
            self.instruction,
            self.only_rt_partial,
        )

    def main_cameras(self, source: EpisodeSource) -> tuple[str, ...]:
        """The first camera: further ones are often empty in RLDS data."""
        return source.observation_spec.camera_names[:1]
