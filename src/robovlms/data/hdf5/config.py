"""Settings of HDF5 data."""

from typing import Literal

from robovlms.actions.spec import ActionSpec
from robovlms.core.errors import MissingExtra
from robovlms.data.hdf5.layout import Layout, LIBEROLayout
from robovlms.data.source import EpisodeSource, SourceConfig, main_of


class HDF5Config(SourceConfig):
    """An HDF5 file or a folder of them, in the layout of LIBERO, robomimic or ACT; needs the extra ``hdf5``."""

    kind: Literal["hdf5"] = "hdf5"
    layout: Layout = LIBEROLayout()
    convention: str | None = None
    """What the actions mean, by name (see ``hdf5.conventions``); that of the layout when None."""
    action_spec: ActionSpec | None = None
    """What they mean, where no convention fits."""
    instruction: str | None = None
    """The sentence of all episodes, where the files say none or another is wanted."""
    mask: str | None = None
    """A list of episodes that the file keeps below ``mask/``, such as robomimic's ``train``."""

    def open(self) -> EpisodeSource:
        """Read groups, shapes and texts of every file."""
        try:
            from robovlms.data.hdf5.dataset import HDF5Dataset
        except ModuleNotFoundError as error:
            if error.name != "h5py":
                raise
            raise MissingExtra("h5py", "hdf5") from None
        return HDF5Dataset(self.path, self.layout, self.convention, self.action_spec, self.instruction, self.mask)

    def main_cameras(self, source: EpisodeSource) -> tuple[str, ...]:
        """Those the layout names, else all."""
        return main_of(self.layout.main_cameras, source.observation_spec.camera_names)

    def main_state(self, source: EpisodeSource) -> tuple[str, ...]:
        """Those the layout names, else all."""
        return main_of(self.layout.main_state, source.observation_spec.state_names)
