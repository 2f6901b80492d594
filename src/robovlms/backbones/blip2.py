"""BLIP-2 (arXiv 2301.12597): a querying transformer between an image encoder and a language model, OPT or T5."""

from typing import Any

from torch import nn
from typing_extensions import override

from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.backbones.splice import SpliceBackbone
from robovlms.backbones.t5 import T5Backbone


class _QFormer(PretrainedBackbone):
    """What both language models share."""

    model_types = ("blip-2",)

    @override
    def template(self, instruction: str) -> str:
        return f"Question: {instruction} Answer:"

    @property
    @override
    def projector(self) -> nn.Module:
        return nn.ModuleList([self.model.qformer, self.model.language_projection])


class Blip2OPTBackbone(_QFormer, SpliceBackbone):
    """BLIP-2 with OPT, or another decoder."""

    @classmethod
    @override
    def serves(cls, config: Any) -> bool:
        return super().serves(config) and config.use_decoder_only_language_model


class Blip2T5Backbone(_QFormer, T5Backbone):
    """BLIP-2 with T5."""

    @classmethod
    @override
    def serves(cls, config: Any) -> bool:
        return super().serves(config) and not config.use_decoder_only_language_model
