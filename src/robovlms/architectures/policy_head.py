"""Policy-head structure: every frame is a prompt of its own; the head fuses time (arXiv 2412.14058).

The prompt of a step is ``[images of all cameras, state, text, slots]``: slots stand where a VLM's answer would. A
frame that several windows share, or that pads a window, is encoded once.
"""

from typing import ClassVar, Literal

import torch
from typing_extensions import override

from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.vlm import VLMArchitecture, VLMConfig
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import State
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class PolicyHeadConfig(VLMConfig):
    """A prompt a frame; the head fuses ``history`` frames."""

    usual_head: ClassVar[str] = "lstm"
    kind: Literal["policy_head_continuous"] = "policy_head_continuous"

    def build(self, backbone: Backbone, head: Head, state_dims: int) -> "PolicyHead":
        """The structure round a backbone and a head."""
        return PolicyHead(self, backbone, head, state_dims)


class PolicyHead(VLMArchitecture):
    """Folds the frames of a window into the batch and leaves time to the head."""

    @override
    def features(self, batch: Batch) -> Features:
        frames, texts, first, inverse = distinct_prompts(batch)
        text = self.text(batch, texts)
        present = torch.ones_like(frames, dtype=torch.bool)
        windows = first // batch.frame_index.shape[1]
        segments = self.shown(batch, self.see(batch, frames, text), present, windows=windows)
        state = self.state(batch.state.flatten(0, 1)[first]) if self.state else None
        if state is not None and self.config.state_in != "head":
            segments.append(State(state))
        segments += [text, *self.slots()]
        sequence = self.backbone.compose(segments)
        hidden, _ = self.backbone.think(sequence)
        slots = self.read_out(hidden, sequence.layout)
        last = inverse[:, -1]
        direct = state[:, 0][inverse] if state is not None and self.config.state_in != "prompt" else None
        return Features(slots[inverse], batch.frame_valid, direct, hidden[last], sequence.layout.valid[last])
