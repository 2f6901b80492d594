"""Where training data comes from: one configuration for each format, and the one interface they all open."""

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Literal, Protocol, runtime_checkable

from pydantic import Field, PositiveFloat, model_validator

from robovlms.actions.calvin import ROBOT_STATE
from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.config import Config
from robovlms.core.errors import MissingExtra
from robovlms.core.types import Episode
from robovlms.data.bdrbench.annotation import BDRBenchKeys
from robovlms.data.hdf5.layout import Layout, LIBEROLayout
from robovlms.data.rlds.convention import RLDSConvention


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


class LeRobotConfig(SourceConfig):
    """A LeRobot folder (v2.0, v2.1 or v3.0), for example one written by ``robovlms demos``."""

    kind: Literal["lerobot"] = "lerobot"
    action_spec: ActionSpec | None = None
    """What the actions mean, for data made elsewhere; ours says it itself."""
    action_feature: str = "action"
    """Feature that holds the actions."""
    state_feature: str = "observation.state"
    """Feature that holds the state; data without the usual one has none."""

    def open(self) -> EpisodeSource:
        """Read the metadata."""
        from robovlms.data.lerobot.dataset import LeRobotDataset

        return LeRobotDataset(self.path, self.action_spec, self.action_feature, self.state_feature)


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
        return _main(self.layout.main_cameras, source.observation_spec.camera_names)

    def main_state(self, source: EpisodeSource) -> tuple[str, ...]:
        """Those the layout names, else all."""
        return _main(self.layout.main_state, source.observation_spec.state_names)


class BDRBenchConfig(SourceConfig):
    """BDRBench-20: the folder that holds ``anns`` and ``media``."""

    kind: Literal["bdrbench"] = "bdrbench"
    split: str = "train"
    action_spec: ActionSpec | None = None
    """What the actions mean; they are unnamed numbers when None."""
    keys: BDRBenchKeys = BDRBenchKeys()
    """Names in the annotations."""

    def open(self) -> EpisodeSource:
        """Read every annotation and the head of two videos."""
        from robovlms.data.bdrbench.dataset import BDRBenchDataset

        return BDRBenchDataset(self.path, self.split, self.action_spec, self.keys)


class CALVINConfig(SourceConfig):
    """A CALVIN folder, which holds ``training`` and ``validation``, or one of the two: an annotated span an episode."""

    kind: Literal["calvin"] = "calvin"
    split: Literal["training", "validation"] = "training"
    """Which of the two folders, where the path holds both."""
    actions: Literal["rel_actions", "actions"] = "rel_actions"
    """Relative actions, or absolute ones."""
    annotations: str = "lang_annotations"
    """Folder with ``auto_lang_ann.npy``; ``.`` where it lies beside the frames."""
    scenes: str | None = Field(None, pattern="^[A-Z]+$")
    """Letters of the scenes to use, such as ``ABC``."""
    fraction: float | None = Field(None, gt=0, le=1)
    """Share of the annotations to use, such as 0.1."""
    per_task: int | None = Field(None, ge=1)
    """How many annotations of each task to use, such as 10."""
    spans: Path | None = None
    """File that lists the annotations to use (see ``calvin.subset``)."""
    seed: int = 0
    """Decides which annotations ``fraction`` and ``per_task`` take."""

    @model_validator(mode="after")
    def _one_subset(self) -> "CALVINConfig":
        given = [name for name in ("fraction", "per_task", "spans") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"got {' and '.join(given)}, expected one of them")
        return self

    def open(self) -> EpisodeSource:
        """Read the annotations and look at one frame."""
        from robovlms.data.calvin.dataset import CALVINDataset
        from robovlms.data.calvin.subset import Subset

        folder = self.path / self.split if (self.path / self.split).is_dir() else self.path
        subset = Subset(folder, self.scenes, self.fraction, self.per_task, self.spans, self.seed)
        return CALVINDataset(folder, self.actions, self.annotations, subset)

    def main_cameras(self, source: EpisodeSource) -> tuple[str, ...]:
        """The static camera and the one at the gripper."""
        return _main(("rgb_static", "rgb_gripper"), source.observation_spec.camera_names)

    def main_state(self, source: EpisodeSource) -> tuple[str, ...]:
        """``robot_obs``: the scene's state is not what a robot sees."""
        return tuple(component.name for component in ROBOT_STATE)


def _main(wanted: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name in found) or found


DataConfig = Annotated[
    LeRobotConfig | RLDSConfig | HDF5Config | CALVINConfig | BDRBenchConfig, Field(discriminator="kind")
]
