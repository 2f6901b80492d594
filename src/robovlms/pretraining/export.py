"""Write the tiny VLM as an ordinary Hugging Face directory."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import Cohere2VisionForConditionalGeneration, PreTrainedTokenizerFast, SiglipImageProcessorPil

from robovlms.pretraining.model import IMAGE_SIZE

_WEIGHTS = "model.safetensors"


def export(
    model: Cohere2VisionForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, directory: Path, half: bool = True
) -> None:
    """Replace ``directory`` by weights, config, tokenizer and image processor.

    With ``half`` the weights are stored in 16 bits; the config still says float32, so they are loaded as such.
    """
    fresh = directory.with_name(directory.name + ".tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    _image_processor().save_pretrained(fresh)
    if half:
        _halve(fresh / _WEIGHTS)
    _replace(fresh, directory)


def _image_processor() -> SiglipImageProcessorPil:
    side = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    return SiglipImageProcessorPil(size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3)


def _halve(path: Path) -> None:
    """Store floating-point weights in 16 bits; counters and indices stay as they are."""
    tensors = {name: t.to(torch.float16) if t.is_floating_point() else t for name, t in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def _replace(fresh: Path, directory: Path) -> None:
    old = directory.with_name(directory.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
    fresh.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def num_parameters(directory: Path) -> int:
    """Trainable numbers of an exported model."""
    config = json.loads((directory / "config.json").read_text())
    buffers = ("running_mean", "running_var", "num_batches_tracked", "attention_bias_idxs")
    tensors = load_file(directory / _WEIGHTS)
    assert config["model_type"] == "cohere2_vision"
    return sum(tensor.numel() for name, tensor in tensors.items() if not name.endswith(buffers))
