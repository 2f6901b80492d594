"""Cohere's Command A Vision: a pixel-shuffle connector, and a causal prompt throughout.

The connector merges 2 x 2 neighbouring tokens of any vision tower without loss; any language model follows.
"""

from typing_extensions import override

from robovlms.backbones.splice import SpliceBackbone


class Cohere2VisionBackbone(SpliceBackbone):
    """``Cohere2VisionForConditionalGeneration``, with any vision tower and language model its config names."""

    model_types = ("cohere2_vision",)

    @override
    def template(self, instruction: str) -> str:
        """``<bos>instruction`` and a line end, as the tiny VLM was pre-trained (the tokenizer adds the bos)."""
        return f"{instruction}\n"
