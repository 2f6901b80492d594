"""LLaVA 1.5 (arXiv 2310.03744), as converted by llava-hf: a CLIP tower, an MLP projector and a LLaMA."""

from typing_extensions import override

from robovlms.backbones.splice import SpliceBackbone


class LlavaBackbone(SpliceBackbone):
    """LLaVA with any tower and language model its config names."""

    model_types = ("llava",)
    opening = "<s>USER: "

    @override
    def template(self, instruction: str) -> str:
        return f"\n{instruction} ASSISTANT:"
