"""Splice families: image tokens stand in the language model's sequence like words.

The Hugging Face model is used whole and unmodified: its own vision tower, projector, embeddings and headless
decoder, called with explicit positions and masks. Families override what differs (see ``paligemma.py``).
"""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
from transformers import logging as hf_logging
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.prompt import Media, Sequence, Text, square
from robovlms.core.errors import UserError


class SpliceBackbone(Backbone):
    """A decoder-only VLM whose image features are spliced into the text sequence."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.image_processor = image_processor

    @classmethod
    def from_pretrained(cls, directory: str | Path, pretrained: bool = True) -> "SpliceBackbone":
        """Load a Hugging Face directory strictly; ``pretrained=False`` keeps the architecture, not the weights.

        Raises:
            UserError: the directory is missing something, or a weight is missing or unexpected.
        """
        hf_logging.disable_progress_bar()  # this project shows its own progress
        try:
            tokenizer = AutoTokenizer.from_pretrained(directory)
            processor = AutoImageProcessor.from_pretrained(directory, backend="pil")
            model = _load(directory) if pretrained else _random(directory)
        except (OSError, KeyError) as error:
            raise UserError(f"{directory} is not a Hugging Face VLM directory: {error}") from None
        return cls(model, tokenizer, processor)

    @property
    @override
    def hidden_size(self) -> int:
        return self.model.config.get_text_config().hidden_size

    @property
    @override
    def word_embedding(self) -> nn.Module:
        return self.model.get_input_embeddings()

    @property
    @override
    def text_tower(self) -> nn.Module:
        return self.model.get_decoder()

    @property
    @override
    def vision_tower(self) -> nn.Module:
        return self.model.model.vision_tower

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.model.multi_modal_projector

    @property
    @override
    def image_spec(self) -> ImageSpec:
        processor = self.image_processor
        size = processor.size
        mean, std = tuple(processor.image_mean), tuple(processor.image_std)
        return ImageSpec(size=size.get("height") or size["shortest_edge"], mean=mean, std=std)

    def pixels(self, images: UInt8[Tensor, "f h w 3"]) -> Float[Tensor, "f 3 h w"]:
        """Normalise frames that already have the backbone's size, as the family's image processor does."""
        spec = self.image_spec
        if images.shape[1:3] != (spec.size, spec.size):
            raise UserError(f"Images are {tuple(images.shape[1:3])}, this backbone wants {spec.size} x {spec.size}.")
        mean = torch.tensor(spec.mean, device=images.device).view(3, 1, 1)
        std = torch.tensor(spec.std, device=images.device).view(3, 1, 1)
        scaled = images.permute(0, 3, 1, 2).float() / 255.0
        return ((scaled - mean) / std).contiguous(memory_format=torch.channels_last)

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        features = self.model.get_image_features(pixel_values=self.pixels(images))
        tokens = getattr(features, "pooler_output", features)
        if isinstance(tokens, (list, tuple)):
            tokens = torch.stack(list(tokens))
        return Media(tokens, square(tokens.shape[1]))

    @override
    def think(self, sequence: Sequence, cache: Any = None) -> tuple[Float[Tensor, "b s d"], Any]:
        layout = sequence.layout
        output = self.text_tower(
            inputs_embeds=sequence.embeds,
            attention_mask=self.mask(layout),
            position_ids=self.positions(layout),
            past_key_values=cache,
            use_cache=cache is not None,
        )
        return output.last_hidden_state, cache

    @override
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        weight = self.model.get_output_embeddings().weight
        return hidden @ (weight if ids is None else weight[ids]).T

    @override
    def save(self, directory: Path) -> None:
        hf_logging.disable_progress_bar()
        self.model.save_pretrained(directory)
        self.tokenizer.save_pretrained(directory)
        self.image_processor.save_pretrained(directory)


def _load(directory: str | Path) -> Any:
    loader: Any = AutoModelForImageTextToText  # its stub hides the tuple that output_loading_info returns
    model, info = loader.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    problems = [
        f"{kind}: {sorted(info[kind])}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]
    ]
    if problems:
        raise UserError(f"Weights in {directory} do not fit the model. " + "; ".join(problems))
    return model


def _random(directory: str | Path) -> Any:
    return AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(directory), dtype=torch.float32)
