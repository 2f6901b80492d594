"""Flamingo, by OpenFlamingo's checkpoints (arXiv 2308.01390), and Otter (arXiv 2305.03726), which was tuned from one.

Non-obvious: a camera is resampled to 64 latents by itself, and a token looks at the latents of all cameras of its step.
ALiBi's bias (MPT) is made from positions here, because Hugging Face's counts padding.
"""

from pathlib import Path
from typing import Any

from jaxtyping import Bool, Float, UInt8
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers import logging as hf_logging
from typing_extensions import override

from robovlms.backbones.cross_attention import CrossAttentionBackbone
from robovlms.backbones.flamingo_config import FlamingoConfig, OtterConfig
from robovlms.backbones.flamingo_load import load_parts
from robovlms.backbones.flamingo_model import FlamingoModel, OtterModel
from robovlms.backbones.mpt import MptDecoder
from robovlms.backbones.pretrained import UNREADABLE
from robovlms.backbones.prompt import Cache, Media, Text
from robovlms.core.errors import UserError

for _config, _model in ((FlamingoConfig, FlamingoModel), (OtterConfig, OtterModel)):
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
    AutoModelForImageTextToText.register(_config, _model, exist_ok=True)


class FlamingoBackbone(CrossAttentionBackbone):
    """Flamingo on LLaMA, MPT or GPT-NeoX."""

    model_types = ("flamingo",)
    model_class: type[FlamingoModel] = FlamingoModel
    marker = "<image>"
    added: tuple[str, ...] = ("<|endofchunk|>", "<image>")
    """The tokens the family adds to its language model's, in its order."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__(model, tokenizer, image_processor)
        self.opening = tokenizer.decode(tokenizer("")["input_ids"])  # LLaMA begins with a token, the others do not

    @classmethod
    @override
    def from_pretrained(cls, directory: str | Path, pretrained: bool = True) -> "FlamingoBackbone":
        hf_logging.disable_progress_bar()  # this project shows its own progress
        try:
            return cls(*load_parts(cls.model_class, directory, cls.added, pretrained))
        except UserError:
            raise
        except (*UNREADABLE, SafetensorError, RuntimeError) as error:
            raise UserError(f"{directory} is not a directory of {cls.__name__}: {error}") from None

    @override
    def template(self, instruction: str) -> str:
        return f"{instruction}<|endofchunk|>"

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.perceiver

    @property
    @override
    def text_tower(self) -> nn.Module:
        return self.model.get_decoder()

    @property
    @override
    def unstreamable(self) -> str:
        return "" if isinstance(self.text_tower, MptDecoder) else super().unstreamable

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        tokens = self.model.get_image_features(**self.image_inputs(images))
        return Media(tokens, (1, 1, tokens.shape[1]))

    @override
    def media_inputs(self, tokens: Float[Tensor, "b n p d"], looks: Bool[Tensor, "b s n"]) -> dict[str, Any]:
        return {"media": tokens, "looks": looks}

    @override
    def decoder_inputs(self, embeds: Float[Tensor, "b s d"], known: Cache) -> dict[str, Any]:
        inputs = super().decoder_inputs(embeds, known)
        if isinstance(self.text_tower, MptDecoder):
            assert known.layout is not None
            keys = self.positions(known.layout)
            inputs["attention_mask"] = self.text_tower.bias(inputs["attention_mask"], inputs["position_ids"], keys)
        return inputs


class OtterBackbone(FlamingoBackbone):
    """Otter on LLaMA or MPT; a video model gives each image the embedding of a first frame."""

    model_types = ("otter",)
    model_class = OtterModel
    added = ("<|endofchunk|>", "<image>", "<answer>")

    @override
    def template(self, instruction: str) -> str:
        return f"User: {instruction} GPT:<answer>"
