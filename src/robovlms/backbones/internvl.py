"""InternVL 2.5 to 3.5 (arXiv 2504.10479), as converted for Hugging Face: a ViT, a pixel shuffle, an MLP and a Qwen."""

from typing_extensions import override

from robovlms.backbones.splice import SpliceBackbone


class InternVLBackbone(SpliceBackbone):
    """InternVL; a frame is one tile, as in the family's videos."""

    model_types = ("internvl",)
    opening = "<|im_start|>user\n"
    around_image = ("<img>", "</img>\n")

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<|im_end|>\n<|im_start|>assistant\n"
