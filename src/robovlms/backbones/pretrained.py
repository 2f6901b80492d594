"""Backbones whose model is a Hugging Face model, used whole and unmodified: loading, saving, seeing and speaking."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForImageTextToText, AutoTokenizer
from transformers import logging as hf_logging
from typing_extensions import override

from robovlms.actions.spec import ImageSpec
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.image_processor import read_image_processor
from robovlms.backbones.prompt import Media, Text, square
from robovlms.core.errors import UserError

_RESAMPLE = ("nearest", "lanczos", "bilinear", "bicubic")  # in Pillow's order


UNREADABLE = (OSError, KeyError, ValueError, AttributeError, TypeError)
"""What Hugging Face's readers raise at files that are missing, or hold something else than they should."""


class PretrainedBackbone(Backbone):
    """A backbone around a Hugging Face directory."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.image_processor = image_processor

    @classmethod
    def from_pretrained(cls, directory: str | Path, pretrained: bool = True) -> "PretrainedBackbone":
        """Load a Hugging Face directory strictly; ``pretrained=False`` keeps the architecture, not the weights.

        Raises:
            UserError: the directory is missing something, or a weight is missing or unexpected.
        """
        hf_logging.disable_progress_bar()  # this project shows its own progress
        try:
            tokenizer, processor = cls.processors(directory)
            model = _load(directory) if pretrained else _random(directory)
        except UserError:
            raise
        except (*UNREADABLE, SafetensorError) as error:
            raise UserError(f"{directory} is not a Hugging Face VLM directory: {error}") from None
        return cls(model, tokenizer, processor)

    @classmethod
    def processors(cls, directory: str | Path) -> tuple[Any, Any]:
        """Tokenizer and image processor, as Hugging Face directories hold them."""
        return read_tokenizer(directory), read_image_processor(directory)

    @property
    @override
    def hidden_size(self) -> int:
        return self.model.config.get_text_config().hidden_size

    @property
    @override
    def num_positions(self) -> int | None:
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    @property
    @override
    def unstreamable(self) -> str:
        if any(name.endswith("rotary_emb") for name, _ in self.text_tower.named_modules()):
            return ""
        return "its positions are absolute, and those of later steps of an episode are in no training window"

    @property
    @override
    def word_embedding(self) -> nn.Module:
        return self.model.get_input_embeddings()

    @property
    @override
    def num_words(self) -> int:
        embedding: Any = self.word_embedding
        return min(len(embedding.weight), len(self.model.get_output_embeddings().weight))

    @property
    @override
    def text_tower(self) -> nn.Module:
        return peel(self.model.get_decoder())

    @property
    @override
    def vision_tower(self) -> nn.Module:
        return self.model.get_encoder(modality="image")

    @property
    @override
    def projector(self) -> nn.Module:
        return self.model.model.multi_modal_projector

    @property
    @override
    def image_spec(self) -> ImageSpec:
        return self.read_image_spec(self.image_processor)

    @classmethod
    def read_image_spec(cls, processor: Any) -> ImageSpec:
        """The pixels that an image processor of this family makes."""
        crop = getattr(processor, "crop_size", None) if getattr(processor, "do_center_crop", False) else None
        size = crop or processor.size
        return ImageSpec(
            size=size.get("height") or size.get("shortest_edge") or size["longest_edge"],
            resample=_RESAMPLE[int(processor.resample)],
            fit="crop" if crop else "stretch",
            mean=tuple(processor.image_mean),
            std=tuple(processor.image_std),
        )

    def pixels(self, images: UInt8[Tensor, "f h w 3"]) -> Float[Tensor, "f 3 h w"]:
        """Normalise frames that already have the backbone's size, as the family's image processor does."""
        spec = self.image_spec
        require_frames(images, spec.size)
        mean = torch.tensor(spec.mean, device=images.device).view(3, 1, 1)
        std = torch.tensor(spec.std, device=images.device).view(3, 1, 1)
        scaled = images.permute(0, 3, 1, 2).float() / 255.0
        return ((scaled - mean) / std).contiguous(memory_format=torch.channels_last)

    def image_inputs(self, images: UInt8[Tensor, "f h w 3"]) -> dict[str, Tensor]:
        """What the model's own image encoder is called with."""
        return {"pixel_values": self.pixels(images)}

    def text_inputs(self, text: Text | None) -> dict[str, Tensor]:
        """What it is called with besides, where image tokens depend on the text."""
        return {}

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        inside = self.model if hasattr(self.model, "get_image_features") else self.model.base_model
        features = inside.get_image_features(**self.image_inputs(images), **self.text_inputs(text))
        tokens = per_image(getattr(features, "pooler_output", features), len(images))
        return Media(tokens, square(tokens.shape[1]))

    @override
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        head = self.model.get_output_embeddings()
        bias = getattr(head, "bias", None)
        chosen = slice(None) if ids is None else ids
        logits = hidden @ head.weight[chosen].T
        return logits if bias is None else logits + bias[chosen]

    @override
    def save(self, directory: Path) -> None:
        hf_logging.disable_progress_bar()
        self.model.save_pretrained(directory)
        self.tokenizer.save_pretrained(directory)
        self.image_processor.save_pretrained(directory)


def read_tokenizer(directory: str | Path, **settings: Any) -> Any:
    """Read a directory's tokenizer; ``settings`` are those of ``AutoTokenizer``.

    Raises:
        UserError: there is none, or its files hold something else.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(directory, **settings)
        if not tokenizer("a b", add_special_tokens=False)["input_ids"]:  # what some classes make of no files
            raise ValueError("it knows no words")
        return tokenizer
    except UNREADABLE as error:
        why = str(error).partition("\n")[0]
        raise UserError(
            f"{directory} is not a Hugging Face VLM directory: it has no tokenizer that can be read ({why}). Put the "
            "tokenizer's files there (tokenizer.json, or those of its class, and tokenizer_config.json)."
        ) from None


def require_frames(images: Tensor, size: int) -> None:
    """Frames must be RGB bytes of the backbone's size.

    Raises:
        UserError: none at all, another size, order of axes, or type (floats could be in any range, or NaN).
    """
    if images.dtype != torch.uint8 or images.shape[1:] != (size, size, 3) or not len(images):
        got = f"{images.dtype} of {tuple(images.shape)}"
        raise UserError(f"Images are {got}, this backbone wants uint8 RGB: n x {size} x {size} x 3, n at least 1.")


def per_image(features: Any, num_images: int) -> Float[Tensor, "f p d"]:
    """Image features as one tensor; versions and families return a tensor, or a list with one or more an image."""
    if not isinstance(features, Tensor):
        features = torch.cat([one.flatten(0, -2) for one in features])
    return features.reshape(num_images, -1, features.shape[-1])


def peel(decoder: Any) -> Any:
    """The module that holds the layers, inside what ``get_decoder`` returns.

    Raises:
        UserError: there is none.
    """
    while not hasattr(decoder, "layers"):
        inner = getattr(decoder, "model", None) or getattr(decoder, "decoder", None)
        if inner is None:
            raise UserError(f"{type(decoder).__name__} has no stack of layers to run; this model cannot be a backbone.")
        decoder = inner
    return decoder


def require_fit(info: dict[str, Any], directory: str | Path) -> None:
    """Every weight must have been found, and found a place.

    Raises:
        UserError: otherwise, with the keys.
    """
    problems = [
        f"{kind}: {sorted(info[kind])}" for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]
    ]
    if problems:
        raise UserError(f"Weights in {directory} do not fit the model. " + "; ".join(problems))


@contextmanager
def unreported() -> Generator[None]:
    """What does not fit is an error that lists it (``require_fit``), not a table of warnings."""
    verbosity = hf_logging.get_verbosity()
    hf_logging.set_verbosity_error()
    try:
        yield
    finally:
        hf_logging.set_verbosity(verbosity)


def _load(directory: str | Path) -> Any:
    loader: Any = AutoModelForImageTextToText  # its stub hides the tuple that output_loading_info returns
    with unreported():
        model, info = loader.from_pretrained(
            directory, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True
        )
    require_fit(info, directory)
    return model


def _random(directory: str | Path) -> Any:
    return AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(directory), dtype=torch.float32)
