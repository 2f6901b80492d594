"""Florence-2 (arXiv 2311.06242): a DaViT whose tokens a BART encodes together with the words.

Served as transformers' own class has it (``florence-community/*``); the first checkpoints bring their own code and key
names and have to be converted.
"""

from typing import Any

from typing_extensions import override

from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone


class FlorenceBackbone(EncoderDecoderBackbone):
    """Microsoft's Florence-2."""

    model_types = ("florence2",)

    @property
    @override
    def text_tower(self) -> Any:
        return self.model.model.language_model
