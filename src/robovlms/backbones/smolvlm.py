"""SmolVLM (arXiv 2504.05299) and Idefics3 (arXiv 2408.12637): a SigLIP tower, a pixel shuffle and a small LLaMA.

Non-obvious: their processor enlarges an image and cuts it into up to 17 crops. A robot's frame is one image, its whole
view, which is how the family sees a frame of a video; the image processor is set so and saved so.
"""

from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.backbones.splice import SpliceBackbone


class SmolVLMBackbone(SpliceBackbone):
    """SmolVLM 1 and 2, and Idefics3; the first token is the one their tokenizer begins with."""

    model_types = ("smolvlm", "idefics3")
    around_image = ("<fake_token_around_image><global-img>", "<fake_token_around_image>")

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__(model, tokenizer, image_processor)
        self.opening = f"{tokenizer.bos_token}User:"

    @classmethod
    @override
    def processors(cls, directory: str | Path) -> tuple[Any, Any]:
        tokenizer, image_processor = super().processors(directory)
        image_processor.do_image_splitting = False
        image_processor.size = image_processor.max_image_size  # one resize instead of two
        return tokenizer, image_processor

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<end_of_utterance>\nAssistant:"

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.model.connector

    @override
    def image_inputs(self, images: UInt8[Tensor, "f h w 3"]) -> dict[str, Tensor]:
        return {"pixel_values": self.pixels(images)[:, None]}
