"""A model is backbone + architecture + head + conventions; ``build`` makes the network a configuration describes."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from robovlms.actions.spec import ActionSpec, ImageSpec, ObservationSpec
from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.baselines import ACTPolicyConfig, CNNConfig, CNNGRUConfig
from robovlms.architectures.policy_head import PolicyHead, PolicyHeadConfig
from robovlms.backbones.config import BackboneConfig
from robovlms.backbones.load import load_backbone
from robovlms.core.config import Config
from robovlms.heads.lstm import LSTMConfig
from robovlms.heads.mlp import MLPConfig

HeadConfig = Annotated[LSTMConfig | MLPConfig, Field(discriminator="kind")]


class VLAConfig(Config):
    """A vision-language-action model."""

    kind: Literal["vla"] = "vla"
    backbone: BackboneConfig = BackboneConfig()
    architecture: PolicyHeadConfig = PolicyHeadConfig()
    head: HeadConfig = LSTMConfig()

    def build(self, action: ActionSpec, observation: ObservationSpec, directory: Path | None = None) -> Architecture:
        """The network, with the VLM of ``directory`` when a checkpoint is loaded."""
        backbone = load_backbone(self.backbone, directory / "vlm" if directory else None)
        width = backbone.hidden_size
        reads_state = observation.state_dims and self.architecture.state_in != "prompt"
        head = self.head.build(action, self.architecture.chunk, width, width if reads_state else 0)
        return PolicyHead(self.architecture, backbone, head, observation.state_dims)


def structures() -> dict[str, type[ArchitectureConfig]]:
    """The configurations of the structures a VLA may have, by their kind."""
    choice: Any = VLAConfig.model_fields["architecture"].annotation
    return {member.model_fields["kind"].default: member for member in get_args(choice) or (choice,)}


ModelConfig = Annotated[VLAConfig | CNNConfig | CNNGRUConfig | ACTPolicyConfig, Field(discriminator="kind")]


def image_spec(network: Architecture, observation: ObservationSpec) -> ImageSpec:
    """The pixels a network wants."""
    if isinstance(network, PolicyHead):
        return network.backbone.image_spec
    return ImageSpec(size=observation.cameras[0].height)
