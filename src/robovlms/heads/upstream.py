"""The continuous heads of the published RoboVLMs checkpoints, for checkpoints imported from there.

Source: ``robovlms/model/policy_head`` of Robot-VLAs/RoboVLMs (8adc1d2). A trunk fuses what the prompt's slots say (an
MLP of one step, a stacked LSTM or a GPT-2 over the window), then two MLPs of fixed widths give tanh poses and gripper
logits. The loss is Huber plus a hundredth of binary cross-entropy. For a new policy prefer ``mlp`` or ``lstm``.

Non-obvious: with a window that is not full yet the recurrent trunks start at its first valid step. That is what the
original does while it streams: it carries its state for ``history`` steps, then runs the last ``history`` ones again.
"""

from abc import abstractmethod
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from transformers import GPT2Config, GPT2Model
from typing_extensions import override

from robovlms.actions.spec import ActionSpec
from robovlms.core.config import Config
from robovlms.heads.head import Features, Head, Losses, Prediction, Queries
from robovlms.heads.losses import gripper_loss, pose_loss, present_in

WIDTHS = (1024, 512, 256)
"""Hidden widths of both decoders, the same in every checkpoint."""

GripperCommands = tuple[Literal[0, 1], Literal[0, 1]]
"""What is commanded where the policy says closed and where it says open."""


class UpstreamHeadConfig(Config):
    """What the continuous heads have in common.

    ``gripper_commands`` other than (0, 1) repeats an error of the original evaluation, which scales the gripper like
    the arm: with a range of the arm up to 0.5 it never opens (0, 0).
    """

    num_slots: int = Field(1, ge=1)
    hidden: int = Field(1024, ge=1)
    gripper_weight: float = Field(0.01, ge=0)
    gripper_commands: GripperCommands = (0, 1)


class UpstreamFCConfig(UpstreamHeadConfig):
    """``FCDecoder``: each step by itself."""

    kind: Literal["upstream_fc"] = "upstream_fc"

    def build(self, action_spec: ActionSpec, chunk: int, width: int, history: int) -> "UpstreamHead":
        """The head for slots of this width."""
        return UpstreamFC(self, action_spec, chunk, self.num_slots * width)


class UpstreamLSTMConfig(UpstreamHeadConfig):
    """``LSTMDecoder``: a stacked LSTM over the window."""

    kind: Literal["upstream_lstm"] = "upstream_lstm"
    num_layers: int = Field(4, ge=1)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, history: int) -> "UpstreamHead":
        """The head for slots of this width."""
        return UpstreamLSTM(self, action_spec, chunk, self.num_slots * width)


class UpstreamGPTConfig(UpstreamHeadConfig):
    """``GPTDecoder``: a GPT-2 over the window, with a learned position a step."""

    kind: Literal["upstream_gpt"] = "upstream_gpt"
    num_layers: int = Field(8, ge=1)
    num_heads: int = Field(8, ge=1)

    def build(self, action_spec: ActionSpec, chunk: int, width: int, history: int) -> "UpstreamHead":
        """The head for slots of this width and windows of ``history`` steps."""
        return UpstreamGPT(self, action_spec, chunk, width, history)


class UpstreamHead(Head):
    """Decoders, loss and prediction; a subclass adds the trunk. Parameters are named as in the checkpoints."""

    def __init__(self, config: UpstreamHeadConfig, action_spec: ActionSpec, chunk: int):
        super().__init__(action_spec, chunk)
        self.config = config
        trunk = config.hidden * config.num_slots
        self.actions = Decoder(trunk, chunk * len(self.pose_columns), bounded=True)
        self.gripper = Decoder(trunk, chunk * len(self.gripper_columns), bounded=False)

    @abstractmethod
    def trunk(self, steps: Float[Tensor, "b t h"]) -> Float[Tensor, "b t g"]:
        """Fuse windows whose steps are all valid; a step never sees a later one."""

    @override
    def queries(self, actions: Float[Tensor, "b t k a"] | None) -> Queries:
        return Queries(num_slots=self.config.num_slots)

    def outputs(self, features: Features) -> tuple[Float[Tensor, "b t k p"], Float[Tensor, "b t k g"]]:
        """Normalised poses in [-1, 1] and gripper logits for every step."""
        hidden = self._from_first_valid(features.slots.flatten(start_dim=2), features.valid)
        poses, logits = self.actions(hidden), self.gripper(hidden)
        return (poses.unflatten(-1, (self.chunk, -1)), logits.unflatten(-1, (self.chunk, -1)))

    @override
    def loss(
        self,
        features: Features,
        actions: Float[Tensor, "b t k a"],
        mask: Bool[Tensor, "b t k"],
        columns: Bool[Tensor, "b a"] | None = None,
    ) -> Losses:
        poses, logits = self.outputs(features)
        at_pose, at_gripper = (present_in(columns, chosen) for chosen in (self.pose_columns, self.gripper_columns))
        pose = pose_loss(poses, actions[..., self.pose_columns], mask, "huber", present=at_pose)
        gripper = gripper_loss(logits, actions[..., self.gripper_columns], mask, at_gripper)
        return Losses(pose + self.config.gripper_weight * gripper, {"pose": pose, "gripper": gripper})

    @override
    def predict(self, features: Features, noise: Float[Tensor, "b ..."] | None = None) -> Prediction:
        poses, logits = self.outputs(features)
        closed, opened = self.config.gripper_commands
        gripper = torch.where(torch.sigmoid(logits[:, -1]) > 0.5, float(opened), float(closed))
        return Prediction(self.merge(poses[:, -1], gripper))

    def _from_first_valid(self, steps: Float[Tensor, "b t h"], valid: Bool[Tensor, "b t"]) -> Float[Tensor, "b t g"]:
        order = (~valid).int().argsort(dim=1, stable=True)
        fused = self.trunk(_reorder(steps, order))
        return _reorder(fused, order.argsort(dim=1))


class UpstreamFC(UpstreamHead):
    """Two linear layers on each step."""

    def __init__(self, config: UpstreamFCConfig, action_spec: ActionSpec, chunk: int, input_width: int):
        super().__init__(config, action_spec, chunk)
        middle = input_width // 2
        self.mlp = nn.Sequential(
            nn.Linear(input_width, middle), nn.ReLU(), nn.Linear(middle, config.hidden * config.num_slots)
        )

    @override
    def trunk(self, steps: Float[Tensor, "b t h"]) -> Float[Tensor, "b t g"]:
        return self.mlp(steps)


class UpstreamLSTM(UpstreamHead):
    """An LSTM from a zero state."""

    def __init__(self, config: UpstreamLSTMConfig, action_spec: ActionSpec, chunk: int, input_width: int):
        super().__init__(config, action_spec, chunk)
        self.rnn = nn.LSTM(input_width, config.hidden * config.num_slots, config.num_layers, batch_first=True)

    @override
    def trunk(self, steps: Float[Tensor, "b t h"]) -> Float[Tensor, "b t g"]:
        return self.rnn(steps)[0]


class UpstreamGPT(UpstreamHead):
    """A GPT-2 without words; ``fc`` brings a slot to its width where they differ, so there is one slot then."""

    def __init__(self, config: UpstreamGPTConfig, action_spec: ActionSpec, chunk: int, width: int, history: int):
        super().__init__(config, action_spec, chunk)
        self.fc = nn.Identity() if config.hidden == width else nn.Linear(width, config.hidden)
        settings = GPT2Config(
            vocab_size=1,
            n_embd=config.hidden * config.num_slots,
            n_positions=history,
            n_layer=config.num_layers,
            n_head=config.num_heads,
            bos_token_id=None,
            eos_token_id=None,
        )
        self.gpt: Any = GPT2Model(settings)
        self.gpt.wte = nn.Identity()

    @override
    def trunk(self, steps: Float[Tensor, "b t h"]) -> Float[Tensor, "b t g"]:
        return self.gpt(inputs_embeds=self.fc(steps), use_cache=False).last_hidden_state


class Decoder(nn.Module):
    """Four linear layers, 1024, 512 and 256 wide between them; tanh at the end where ``bounded``."""

    def __init__(self, input_width: int, output_width: int, bounded: bool):
        super().__init__()
        layers: list[nn.Module] = []
        for inside, outside in zip((input_width, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [nn.Linear(inside, outside), nn.ReLU()]
        layers.append(nn.Linear(WIDTHS[-1], output_width))
        self.mlp = nn.Sequential(*layers, *([nn.Tanh()] if bounded else []))

    @override
    def forward(self, x: Float[Tensor, "*n h"]) -> Float[Tensor, "*n o"]:
        return self.mlp(x)


def _reorder(values: Float[Tensor, "b t h"], order: Tensor) -> Float[Tensor, "b t h"]:
    return values.gather(1, order[..., None].expand_as(values))
