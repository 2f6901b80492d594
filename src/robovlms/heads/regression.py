"""The part MLP, LSTM and GPT heads share: a trunk vector per step becomes a chunk of poses and gripper logits."""

import warnings
from abc import abstractmethod

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.core.config import Config
from robovlms.heads.head import Features, Head, Losses, Prediction, Queries
from robovlms.heads.losses import PoseLoss, gripper_loss, pose_loss, present_in


class RegressionConfig(Config):
    """Settings every regression head has.

    ``gripper_weight`` is the lambda of the loss; upstream RoboVLMs uses 0.01, which starves the gripper on short
    trainings, and Huber with a ``huber_delta`` (the normalised error up to which it is squared) of 1.
    """

    num_slots: int = Field(1, ge=1)
    hidden: int = Field(256, ge=1)
    pose_loss: PoseLoss = "huber"
    huber_delta: float = Field(0.3, gt=0)
    gripper_weight: float = Field(0.5, ge=0)


class RegressionHead(Head):
    """Chunk regression on a trunk the subclass computes (``trunk``: features to one vector per step)."""

    def __init__(self, config: RegressionConfig, action_spec: ActionSpec, chunk: int, trunk_width: int):
        super().__init__(action_spec, chunk)
        self.config = config
        width = config.hidden
        self.mlp = nn.Sequential(nn.Linear(trunk_width, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.pose = nn.Linear(width, chunk * len(self.pose_columns))
        with warnings.catch_warnings():  # actions without a gripper make a layer without outputs
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            self.gripper = nn.Linear(width, chunk * len(self.gripper_columns))
        self.gripper.requires_grad_(bool(self.gripper_columns))  # processes that average gradients wait for all

    @staticmethod
    def steps(features: Features) -> Float[Tensor, "b t h"]:
        """Everything a head reads of each step, side by side: its slots and its state."""
        slots = features.slots.flatten(start_dim=2)
        return slots if features.state is None else torch.cat([slots, features.state], dim=-1)

    @abstractmethod
    def trunk(self, features: Features) -> Float[Tensor, "b t h"]:
        """One vector per step; the only thing a subclass adds."""

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        return Queries(num_slots=self.config.num_slots)

    def outputs(self, features: Features) -> tuple[Float[Tensor, "b t k p"], Float[Tensor, "b t k g"]]:
        """Normalised poses and gripper logits for every step."""
        hidden = self.mlp(self.trunk(features))
        shape = (*hidden.shape[:2], self.chunk, -1)
        gripper = self.gripper(hidden)
        return self.pose(hidden).reshape(shape), gripper.reshape(*shape[:3], len(self.gripper_columns))

    @override
    def loss(
        self,
        features: Features,
        actions: Float[Tensor, "b t k a"],
        mask: Bool[Tensor, "b t k"],
        columns: Bool[Tensor, "b a"] | None = None,
    ) -> Losses:
        poses, logits = self.outputs(features)
        settings = self.config
        present = present_in(columns, self.pose_columns)
        target = actions[..., self.pose_columns]
        pose = pose_loss(poses, target, mask, settings.pose_loss, settings.huber_delta, present)
        parts = {"pose": pose}
        total = pose
        if self.gripper_columns:
            present = present_in(columns, self.gripper_columns)
            parts["gripper"] = gripper_loss(logits, actions[..., self.gripper_columns], mask, present)
            total = pose + settings.gripper_weight * parts["gripper"]
        return Losses(total, parts)

    @override
    def predict(self, features: Features, noise: Float[Tensor, "b ..."] | None = None) -> Prediction:
        poses, logits = self.outputs(features)
        return Prediction(self.merge(poses[:, -1], torch.sigmoid(logits[:, -1])))
