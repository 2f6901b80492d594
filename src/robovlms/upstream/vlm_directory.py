"""A VLM's directory with the weights of a published checkpoint in it, so that it loads as any other directory does.

A checkpoint names its VLM's weights as the version of transformers it was trained with did; loading a directory already
knows older names, and already lists what is missing or left over.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetensors.torch import save_file
from transformers import AutoConfig, AutoTokenizer

from robovlms.core.errors import UserError
from robovlms.upstream.families import UpstreamFamily
from robovlms.upstream.settings import UpstreamSettings
from robovlms.upstream.weights import Weights

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def require_model_type(vlm: Path, family: UpstreamFamily) -> None:
    """Refuse a directory of another VLM.

    Raises:
        UserError: it holds none, or another one than ``family`` was built on.
    """
    try:
        found = AutoConfig.from_pretrained(vlm).model_type if vlm.is_dir() else "missing folder"
    except (OSError, ValueError) as error:
        raise UserError(f"--vlm {vlm}: no Hugging Face model there. {error}") from None
    if found != family.model_type:
        raise UserError(f"--vlm {vlm} is a {found}; this checkpoint was built on {family.model_type}.")


@contextmanager
def with_weights(
    vlm: Path, weights: Weights, family: UpstreamFamily, settings: UpstreamSettings
) -> Generator[Path, None, None]:
    """A temporary folder whose ``vlm`` is a copy of a directory with other weights.

    Raises:
        UserError: the weights do not fit; all that are missing or left over are listed.
    """
    with TemporaryDirectory(prefix="robovlms-import-") as folder:
        copy = Path(folder) / "vlm"
        family.directory(vlm, copy)
        save_file({name: value.contiguous() for name, value in _untied(weights).items()}, copy / "model.safetensors")
        if family.clip_pixels:
            (copy / "preprocessor_config.json").write_text(json.dumps(_clip_pixels(settings.image_size)))
        if added := settings.tokenizer.additional_special_tokens:
            tokenizer: Any = AutoTokenizer.from_pretrained(copy)
            tokenizer.add_special_tokens({"additional_special_tokens": list(added)})
            tokenizer.save_pretrained(copy)
        try:
            yield Path(folder)
        except UserError as error:
            raise UserError(str(error).replace(str(copy), f"the checkpoint, for the VLM of {vlm},")) from None


def _untied(weights: Weights) -> Weights:
    """Weights of their own memory; those that shared some in the file are written twice."""
    return {name: value.clone() for name, value in weights.items()}


def _clip_pixels(size: int) -> dict[str, object]:
    return {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"height": size, "width": size},
        "resample": 3,
        "do_center_crop": False,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
    }
