"""An experiment is a model, its data and a budget; its digest names the run."""

import time
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from robovlms.actions.normalize import NormalizationConfig
from robovlms.architectures.model import ModelConfig, VLAConfig
from robovlms.core.config import Config
from robovlms.core.errors import UserError
from robovlms.data.augment import AugmentConfig
from robovlms.data.conversations import VLDataConfig
from robovlms.data.sources import DataConfig
from robovlms.heads.sampling import SamplingConfig
from robovlms.policies.executors import parse_executor
from robovlms.training.optimizer import OptimizerConfig


class TrainingConfig(Config):
    """Budget and rhythm. ``steps`` and ``minutes`` may both be set; whichever is used up first ends the run.

    ``minutes`` are of the ``clock``: the wall's, or CPU time of the main process, which makes budgets equal on a
    machine that does other work too. With accelerators CPU time says little.

    ``batch_size`` counts windows over all processes. ``processes`` are CPU processes of one thread each, whose
    gradients are averaged; with an accelerator, one process drives it.
    """

    batch_size: int = Field(64, ge=1)
    steps: int | None = Field(None, ge=1)
    minutes: float | None = Field(None, gt=0)
    clock: Literal["wall", "cpu"] = "wall"
    processes: int = Field(1, ge=1)
    seed: int = Field(0, ge=0)
    optimizer: OptimizerConfig = OptimizerConfig()
    augment: AugmentConfig = AugmentConfig(shift_px=3)
    log_every: int = Field(20, ge=1)
    validate_every: int = Field(250, ge=1)
    validation_batches: int = Field(8, ge=0)
    checkpoint_every_s: float = Field(120, gt=0)

    @model_validator(mode="after")
    def _bounded(self) -> "TrainingConfig":
        if self.steps is None and self.minutes is None:
            raise ValueError("a run needs an end: set training.steps or training.minutes")
        if self.batch_size % self.processes:
            raise ValueError(f"batch_size {self.batch_size} does not divide over {self.processes} processes")
        return self

    def now(self) -> float:
        """Seconds on this run's clock, from an arbitrary start."""
        return time.process_time() if self.clock == "cpu" else time.monotonic()

    def share(self, step: int, elapsed_s: float) -> float:
        """Share of the budget that is used; 1 or more ends the run."""
        return max(step / self.steps if self.steps else 0.0, elapsed_s / (60 * self.minutes) if self.minutes else 0.0)


class Experiment(Config):
    """Everything a training run depends on; written beside its results as ``experiment.json``."""

    name: str
    model: Annotated[ModelConfig, Field(discriminator="kind")] = VLAConfig()
    data: tuple[DataConfig, ...]
    vl_data: VLDataConfig | None = None
    """Questions about images, which keep the VLM able to answer; none when None."""
    normalization: NormalizationConfig = NormalizationConfig()
    """How actions become labels; the checkpoint keeps it, so that acting undoes exactly this."""
    training: TrainingConfig
    executor: str = Field(default_factory=lambda known: _four_actions(known.get("model")))
    """How evaluation plays this policy's chunks unless told otherwise; default ``chunk:4``, or what a chunk has."""

    @model_validator(mode="after")
    def _weighted(self) -> "Experiment":
        without = [number for number, entry in enumerate(self.data) if entry.weight is None]
        if 0 < len(without) < len(self.data):
            raise ValueError(
                f"data.{without[0]} has no weight and another entry has one: give every entry of data a weight, or none"
            )
        return self

    @model_validator(mode="after")
    def _augmentable(self) -> "Experiment":
        if self.encodes_first and self.training.augment != AugmentConfig():
            raise ValueError("model.backbone.encode_first sees each frame once: set every training.augment value to 0")
        return self

    @model_validator(mode="after")
    def _askable(self) -> "Experiment":
        if self.asks and not isinstance(self.model, VLAConfig):
            raise ValueError(f"vl_data needs a model that can answer: got model.kind {self.model.kind}, expected vla")
        return self

    @field_validator("executor")
    @classmethod
    def _known(cls, executor: str) -> str:
        try:
            parse_executor(executor)
        except UserError as error:
            raise ValueError(str(error)) from None
        return executor

    @model_validator(mode="after")
    def _playable(self) -> "Experiment":
        try:
            executor, settings = parse_executor(self.executor), self.model.architecture
            executor.require(settings.chunk)
            if settings.streams:
                executor.require_rhythm(settings.stride)
        except UserError as error:
            raise ValueError(str(error)) from None
        if executor.continues and not isinstance(self.model.head, SamplingConfig):
            raise ValueError(
                f"executor {self.executor} needs a head that can continue a running plan: got head.kind "
                f"{self.model.head.kind}, expected flow or diffusion. Use chunk:{executor.every} instead"
            )
        return self

    @property
    def asks(self) -> bool:
        """Whether questions about images are among the batches."""
        return self.vl_data is not None and self.vl_data.weight > 0

    @property
    def weights(self) -> tuple[float, ...] | None:
        """What share of the samples each entry of ``data`` gets; None for all in proportion to their windows."""
        return tuple(entry.weight for entry in self.data if entry.weight is not None) or None

    @property
    def encodes_first(self) -> bool:
        """Whether frames are encoded once, before training."""
        return isinstance(self.model, VLAConfig) and self.model.backbone.encode_first


def _four_actions(model: ModelConfig | None) -> str:
    return f"chunk:{min(4, model.architecture.chunk)}" if model else "chunk:4"
