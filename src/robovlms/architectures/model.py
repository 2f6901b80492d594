"""A model is backbone + architecture + head + conventions; ``build`` makes the network a configuration describes."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from robovlms.actions.spec import ActionSpec, ImageSpec, ObservationSpec
from robovlms.architectures.architecture import Architecture
from robovlms.architectures.baselines import ACTPolicyConfig, CNNConfig, CNNGRUConfig
from robovlms.architectures.interleaved import InterleavedConfig
from robovlms.architectures.interleaved_discrete import InterleavedDiscreteConfig
from robovlms.architectures.one_step import OneStepConfig
from robovlms.architectures.one_step_discrete import OneStepDiscreteConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.architectures.policy_head_discrete import PolicyHeadDiscreteConfig
from robovlms.architectures.upstream_model import UpstreamConfig
from robovlms.architectures.video import VideoConfig
from robovlms.architectures.vlm import VLMConfig
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.config import BackboneConfig
from robovlms.backbones.load import image_spec_at, load_backbone
from robovlms.core.config import Config
from robovlms.heads.answers import TokenHeadConfig
from robovlms.heads.diffusion import DiffusionConfig
from robovlms.heads.fast import FastConfig
from robovlms.heads.flow import FlowConfig
from robovlms.heads.gpt import GPTConfig
from robovlms.heads.lstm import LSTMConfig
from robovlms.heads.mlp import MLPConfig
from robovlms.heads.sampling import SamplingConfig
from robovlms.heads.tokens import TokensConfig

StructureConfig = Annotated[
    OneStepConfig
    | OneStepDiscreteConfig
    | InterleavedConfig
    | InterleavedDiscreteConfig
    | PolicyHeadConfig
    | PolicyHeadDiscreteConfig
    | VideoConfig,
    Field(discriminator="kind"),
]
HeadConfig = Annotated[
    LSTMConfig | MLPConfig | GPTConfig | DiffusionConfig | FlowConfig | TokensConfig | FastConfig,
    Field(discriminator="kind"),
]


class VLAConfig(Config):
    """A vision-language-action model."""

    kind: Literal["vla"] = "vla"
    backbone: BackboneConfig = BackboneConfig()
    architecture: StructureConfig = PolicyHeadConfig()
    head: HeadConfig = LSTMConfig()

    @model_validator(mode="before")
    @classmethod
    def _usual_kinds(cls, data: Any) -> Any:
        """A policy head unless told otherwise, and the head its structure usually has."""
        if not isinstance(data, dict):
            return data
        architecture, head = data.get("architecture", {}), data.get("head", {})
        if isinstance(architecture, dict):
            architecture = {"kind": "policy_head_continuous", **architecture}
            kind = architecture["kind"]
        else:
            kind = getattr(architecture, "kind", None)
        if isinstance(head, dict) and isinstance(kind, str) and kind in structures():
            head = {"kind": structures()[kind].usual_head, **head}
        return data | {"architecture": architecture, "head": head}

    @model_validator(mode="after")
    def _one_action_space(self) -> "VLAConfig":
        if self.architecture.speaks != isinstance(self.head, TokenHeadConfig):
            heads = "tokens or fast" if self.architecture.speaks else "another head, or a discrete structure"
            raise ValueError(
                f"head.kind {self.head.kind} does not go with architecture.kind {self.architecture.kind}, where "
                f"actions are {'words' if self.architecture.speaks else 'numbers'}: set head.kind to {heads}"
            )
        return self

    @model_validator(mode="after")
    def _one_pooled_vector(self) -> "VLAConfig":
        if self.architecture.read != "slots" and self.head.num_slots != 1:
            raise ValueError(
                f"architecture.read is {self.architecture.read}, which gives one vector a step: "
                f"got head.num_slots {self.head.num_slots}; set it to 1, or architecture.read to slots"
            )
        return self

    @model_validator(mode="after")
    def _remembers_what_it_learns(self) -> "VLAConfig":
        attends = self.head.attends if isinstance(self.head, SamplingConfig) else "slots"
        learns_every_step = not isinstance(self.architecture, VideoConfig)
        if attends == "memory" and learns_every_step and self.architecture.history > 1:
            raise ValueError(
                "head.attends is memory, the prompt of a window's last frame, so its other frames could not be "
                f"learned from: got architecture.history {self.architecture.history}; "
                "set it to 1, or head.attends to slots"
            )
        return self

    def build(self, action: ActionSpec, observation: ObservationSpec, directory: Path | None = None) -> Architecture:
        """The network, with the VLM of ``directory`` when a checkpoint is loaded."""
        observation.require_cameras()
        backbone = load_backbone(self.backbone, directory / "vlm" if directory else None)
        width = backbone.hidden_size
        reads_state = observation.state_dims and self.architecture.state_in != "prompt"
        head = self.head.build(action, self.architecture.chunk, width, width if reads_state else 0)
        if directory:
            head.load(directory)
        return self.architecture.build(backbone, head, observation.state_dims)


def structures() -> dict[str, type[VLMConfig]]:
    """The configurations of the structures a VLA may have, by their kind."""
    choice: Any = VLAConfig.model_fields["architecture"].annotation
    return {member.model_fields["kind"].default: member for member in get_args(choice) or (choice,)}


ModelConfig = Annotated[
    VLAConfig | CNNConfig | CNNGRUConfig | ACTPolicyConfig | UpstreamConfig, Field(discriminator="kind")
]


def vlm(network: Architecture) -> Backbone | None:
    """The VLM of a network, if it has one."""
    found = getattr(network, "backbone", None)
    return found if isinstance(found, Backbone) else None


def image_spec(network: Architecture, observation: ObservationSpec) -> ImageSpec:
    """The pixels a network wants."""
    backbone = vlm(network)
    return ImageSpec(size=observation.cameras[0].height) if backbone is None else backbone.image_spec


def image_spec_before(model: ModelConfig, observation: ObservationSpec) -> ImageSpec:
    """The pixels that the network of a configuration will want; no weights are read."""
    if isinstance(model, VLAConfig | UpstreamConfig):
        return image_spec_at(model.backbone.path)
    return ImageSpec(size=observation.cameras[0].height)
