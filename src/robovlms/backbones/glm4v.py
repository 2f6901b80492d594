"""GLM-4.1V (arXiv 2507.01006), the worked example of ``docs/backbones.md``: Qwen2-VL's prompt form, other words."""

from torch import nn
from typing_extensions import override

from robovlms.backbones.qwen_vl import Qwen2VLBackbone


class Glm4vBackbone(Qwen2VLBackbone):
    """Zhipu's GLM-4.1V."""

    model_types = ("glm4v",)
    opening = "[gMASK]<sop><|user|>\n"
    around_image = ("<|begin_of_image|>", "<|end_of_image|>")
    frames_in_limits = 2  # its processor counts the pixels of a still image as those of two frames

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<|assistant|>\n"

    @property
    @override
    def projector(self) -> nn.Module:
        tower = self.model.model.visual
        return nn.ModuleList([tower.downsample, tower.merger])
