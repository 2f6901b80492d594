"""What a Flamingo's or an Otter's directory may look like, and how it becomes a model.

* Whole: ``config.json``, weights, tokenizer; Otter's, and what ``save`` writes. Image processor settings are CLIP's
  where the directory has none.
* In parts, as OpenFlamingo publishes, whose ``checkpoint.pt`` holds only what was trained. One lays that file beside a
  ``config.json`` like ``{"model_type": "flamingo", "cross_attn_every_n_layers": 1, "language_model": "mpt-1b",
  "vision_tower": "ViT-L-14"}``. ``language_model`` is a Hugging Face directory with weights and tokenizer, beside the
  config or on the hub. ``vision_tower`` is one of CLIP's, or of open_clip's hub format, or open_clip's name of a tower
  that OpenAI trained.
"""

import json
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors.torch import load_file
from transformers import AutoConfig, CLIPImageProcessorPil, CLIPVisionConfig

from robovlms.backbones.flamingo_config import FlamingoConfig, open_clip_settings, text_settings, vision_settings
from robovlms.backbones.flamingo_layouts import (
    Weights,
    language_layout,
    num_words,
    own_layout,
    vision_layout,
    with_trained,
)
from robovlms.backbones.flamingo_model import FlamingoModel
from robovlms.backbones.image_processor import read_image_processor
from robovlms.backbones.pretrained import read_tokenizer, require_fit, unreported
from robovlms.core.errors import UserError

CHECKPOINT = "checkpoint.pt"
OPENAI_TOWERS = {
    "ViT-B-32": "openai/clip-vit-base-patch32",
    "ViT-B-16": "openai/clip-vit-base-patch16",
    "ViT-L-14": "openai/clip-vit-large-patch14",
    "ViT-L-14-336": "openai/clip-vit-large-patch14-336",
}
"""open_clip's names of OpenAI's towers, and where the hub has them."""


def load_parts(
    model_class: type[FlamingoModel], place: str | Path, added: tuple[str, ...], pretrained: bool
) -> tuple[FlamingoModel, Any, Any]:
    """Model, tokenizer and image processor of a directory or hub id; the tokenizer gets the ``added`` tokens.

    Raises:
        UserError: a part is missing, or a weight is missing or unexpected.
    """
    directory, config, tokenizer = described(place, added)
    weights = _weights(config, directory) if pretrained else None
    config.language_model = config.vision_tower = None
    return _model(model_class, config, weights, tokenizer, directory), tokenizer, _processor(config, directory)


def described(place: str | Path, added: tuple[str, ...]) -> tuple[Path, FlamingoConfig, Any]:
    """Where a directory or hub id lies, its settings with those of both towers in them, and its tokenizer.

    Raises:
        UserError: a part is missing.
    """
    directory = local(str(place))
    config = AutoConfig.from_pretrained(directory)
    assert isinstance(config, FlamingoConfig)
    if config.language_model is None and (directory / CHECKPOINT).is_file():
        raise UserError(
            f"{directory / CHECKPOINT} is a part: config.json must name its language_model and vision_tower."
        )
    if config.language_model is not None:
        config.text_config = text_settings(_json(_language(config, directory) / "config.json"))
        config.vision_config = clip_settings(_vision(config, directory))
    tokenizer = with_tokens(read_tokenizer(_language(config, directory), config=config.text_config), added)
    if config.language_model is not None:
        config.text_config.vocab_size = len(tokenizer)
    return directory, config, tokenizer


def _model(
    model_class: type[FlamingoModel], config: FlamingoConfig, weights: Weights | None, tokenizer: Any, directory: Path
) -> FlamingoModel:
    if weights is None:
        return model_class(config).to(torch.float32)
    if num_words(weights) < len(tokenizer):
        got = f"{num_words(weights)} word embeddings, the tokenizer has {len(tokenizer)} tokens"
        raise UserError(f"Weights in {directory} have {got}. Take the tokenizer that they were trained with.")
    config.text_config.vocab_size = num_words(weights)
    loader: Any = model_class  # its stub hides the tuple that output_loading_info returns
    reporting = {"output_loading_info": True, "ignore_mismatched_sizes": True}
    with unreported():
        model, info = loader.from_pretrained(None, config=config, state_dict=weights, dtype=torch.float32, **reporting)
    require_fit(info, directory)
    return model


def with_tokens(tokenizer: Any, added: tuple[str, ...]) -> Any:
    """The tokenizer with a family's tokens, in the order in which the family adds them, and one for padding."""
    if missing := [token for token in added if token not in tokenizer.get_vocab()]:
        tokenizer.add_special_tokens({"additional_special_tokens": missing})
    if tokenizer.pad_token is None:
        tokenizer.add_special_tokens({"pad_token": "<PAD>"})
    return tokenizer


def clip_settings(directory: Path) -> CLIPVisionConfig:
    """The vision tower's settings, from a directory of Hugging Face's or of open_clip's format."""
    if (directory / "open_clip_config.json").is_file():
        return open_clip_settings(_json(directory / "open_clip_config.json")["model_cfg"])
    described = _json(directory / "config.json")
    return vision_settings(described.get("vision_config", described))


def local(place: str, beside: Path = Path()) -> Path:
    """The directory of a path (which may be relative to ``beside``) or of a hub id.

    Raises:
        UserError: neither.
    """
    if (beside / place).is_dir():
        return beside / place
    try:
        return Path(snapshot_download(place, allow_patterns=["*.json", "*.model", "*.txt", "*.safetensors", "*.bin"]))
    except (OSError, ValueError) as error:
        raise UserError(f"'{place}' is neither a directory nor a model of the hub: {error}") from None


def _language(config: FlamingoConfig, directory: Path) -> Path:
    return directory if config.language_model is None else local(config.language_model, directory)


def _vision(config: FlamingoConfig, directory: Path) -> Path:
    named = config.vision_tower or "ViT-L-14"
    return local(OPENAI_TOWERS.get(named, named), directory)


def _weights(config: FlamingoConfig, directory: Path) -> Weights:
    if config.language_model is None:
        return own_layout(read_weights(directory))
    towers = language_layout(read_weights(_language(config, directory)))
    towers |= vision_layout(read_weights(_vision(config, directory)))
    if not (directory / CHECKPOINT).is_file():
        raise UserError(f"{directory} has no {CHECKPOINT}, which holds what OpenFlamingo trained.")
    return with_trained(towers, _read(directory / CHECKPOINT))


def read_weights(directory: Path) -> Weights:
    """Every tensor of a directory, from the first kind of file there is.

    Raises:
        UserError: there is none.
    """
    for kind in ("*.safetensors", "pytorch_model*.bin", "open_clip*.bin"):
        if files := sorted(directory.glob(kind)):
            return {key: value for file in files for key, value in _read(file).items()}
    raise UserError(f"{directory} holds no weights (safetensors or PyTorch's).")


def _read(file: Path) -> Weights:
    """One file; a checkpoint of a training run wraps its weights."""
    if file.suffix == ".safetensors":
        return load_file(file)
    read = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    return read.get("model_state_dict", read)


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


def _processor(config: FlamingoConfig, directory: Path) -> Any:
    if (directory / "preprocessor_config.json").is_file():
        return read_image_processor(directory)
    size = config.vision_config.image_size
    assert isinstance(size, int)
    return CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
