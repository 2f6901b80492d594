"""Settings of a CALVIN folder."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from robovlms.actions.calvin import ROBOT_STATE
from robovlms.data.source import EpisodeSource, SourceConfig, main_of


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
        return main_of(("rgb_static", "rgb_gripper"), source.observation_spec.camera_names)

    def main_state(self, source: EpisodeSource) -> tuple[str, ...]:
        """``robot_obs``: the scene's state is not what a robot sees."""
        return tuple(component.name for component in ROBOT_STATE)
