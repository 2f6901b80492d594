"""One-step structure: the prompt of the policy head on the current frame alone, and no history (arXiv 2412.14058)."""

from typing import Literal

from pydantic import Field

from robovlms.architectures.policy_head import PolicyHead
from robovlms.architectures.vlm import VLMConfig
from robovlms.backbones.backbone import Backbone
from robovlms.heads.head import Head


class OneStepConfig(VLMConfig):
    """A prompt of the current frame."""

    kind: Literal["one_step_continuous"] = "one_step_continuous"
    history: int = Field(1, ge=1, le=1)

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "OneStep":
        """The structure round a backbone and a head."""
        return OneStep(self, backbone, head, state_dims)


class OneStep(PolicyHead):
    """Windows of one frame."""
