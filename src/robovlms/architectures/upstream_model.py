"""The model that ``import-checkpoint`` makes of a published RoboVLMs checkpoint."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.architectures.architecture import Architecture
from robovlms.architectures.upstream import UpstreamPrompt, UpstreamPromptConfig
from robovlms.architectures.upstream_interleaved import UpstreamInterleaved, UpstreamInterleavedConfig
from robovlms.architectures.upstream_tokens import UpstreamTokensPrompt, UpstreamTokensPromptConfig
from robovlms.backbones.config import BackboneConfig
from robovlms.backbones.load import load_backbone
from robovlms.core.config import Config
from robovlms.core.errors import UserError
from robovlms.heads.upstream import UpstreamFCConfig, UpstreamGPTConfig, UpstreamLSTMConfig
from robovlms.heads.upstream_tokens import UpstreamTokens, UpstreamTokensConfig


class UpstreamConfig(Config):
    """A VLM, the original's prompt and one of its heads; trains, acts and is saved as any other policy."""

    kind: Literal["upstream"] = "upstream"
    backbone: BackboneConfig
    architecture: Annotated[
        UpstreamPromptConfig | UpstreamInterleavedConfig | UpstreamTokensPromptConfig, Field(discriminator="kind")
    ]
    head: Annotated[
        UpstreamFCConfig | UpstreamLSTMConfig | UpstreamGPTConfig | UpstreamTokensConfig, Field(discriminator="kind")
    ]

    @model_validator(mode="after")
    def _belong_together(self) -> "UpstreamConfig":
        if isinstance(self.architecture, UpstreamTokensPromptConfig) != isinstance(self.head, UpstreamTokensConfig):
            raise ValueError(f"{self.architecture.kind} does not go with {self.head.kind}")
        if self.backbone.encode_first:
            raise ValueError("a published policy encodes its frames as it goes: set backbone.encode_first to false")
        return self

    def build(self, action: ActionSpec, observation: ObservationSpec, directory: Path | None = None) -> Architecture:
        """The network, with the VLM of ``directory`` when a checkpoint is loaded."""
        if observation.state_dims:
            raise UserError("The published policies read no state: leave it out of the observation spec.")
        backbone = load_backbone(self.backbone, directory / "vlm" if directory else None)
        settings = self.architecture
        head = self.head.build(action, settings.chunk, backbone.hidden_size, settings.history)
        if isinstance(settings, UpstreamTokensPromptConfig):
            assert isinstance(head, UpstreamTokens), "the configuration was validated"
            return UpstreamTokensPrompt(settings, backbone, head)
        if isinstance(settings, UpstreamInterleavedConfig):
            return UpstreamInterleaved(settings, backbone, head)
        return UpstreamPrompt(settings, backbone, head)
