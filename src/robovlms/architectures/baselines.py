"""Policies without a VLM, under the same data, training, executors and evaluation: what is a VLA better than?"""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.architectures.act import ACT, ACTConfig
from robovlms.architectures.architecture import Architecture
from robovlms.architectures.film_cnn import FilmCNN, FilmCNNConfig
from robovlms.core.config import Config
from robovlms.heads.gru import GRUConfig
from robovlms.heads.mlp import MLPConfig
from robovlms.heads.rowwise import RowwiseConfig


class _FilmConfig(Config):
    """A CNN per camera, modulated by the sentence; the head reads one slot a camera, the sentence and the state."""

    architecture: FilmCNNConfig = FilmCNNConfig()
    head: MLPConfig | GRUConfig

    def build(self, action: ActionSpec, observation: ObservationSpec, directory: Path | None = None) -> Architecture:
        """The network; it has no VLM to load."""
        observation.require_cameras()
        head = self.head.model_copy(update={"num_slots": len(observation.cameras) + 1})
        width = self.architecture.width
        built = head.build(action, self.architecture.chunk, width, width if observation.state_dims else 0)
        size = observation.cameras[0].height
        return FilmCNN(self.architecture, observation.camera_names, size, built, observation.state_dims)


class CNNConfig(_FilmConfig):
    """CNN + FiLM on the last frame."""

    kind: Literal["cnn"] = "cnn"
    head: MLPConfig = MLPConfig(hidden=512)

    @model_validator(mode="after")
    def _one_step(self) -> "CNNConfig":
        if self.architecture.history != 1:
            raise ValueError(
                "the CNN baseline reads one step; set architecture.history to 1, or model.kind to cnn_gru for more"
            )
        return self


class CNNGRUConfig(_FilmConfig):
    """CNN + FiLM on every frame of a window, fused by a GRU."""

    kind: Literal["cnn_gru"] = "cnn_gru"
    architecture: FilmCNNConfig = FilmCNNConfig(history=8)
    head: GRUConfig = GRUConfig(hidden=512)


class ACTPolicyConfig(Config):
    """A transformer over the cells of the cameras' feature maps, one query an action."""

    kind: Literal["act"] = "act"
    architecture: ACTConfig = Field(default_factory=ACTConfig)
    head: RowwiseConfig = RowwiseConfig()

    @model_validator(mode="after")
    def _one_step(self) -> "ACTPolicyConfig":
        if self.architecture.history != 1:
            raise ValueError("ACT reads one step; set architecture.history to 1, or model.kind to cnn_gru for more")
        return self

    def build(self, action: ActionSpec, observation: ObservationSpec, directory: Path | None = None) -> Architecture:
        """The network; it has no VLM to load."""
        observation.require_cameras()
        width = self.architecture.width
        head = self.head.build(action, self.architecture.chunk, width, width if observation.state_dims else 0)
        size = observation.cameras[0].height
        return ACT(self.architecture, observation.camera_names, size, head, observation.state_dims)
