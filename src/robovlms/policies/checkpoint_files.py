"""The files of a checkpoint: where it is, what names it, and the weights that the VLM's own directory does not hold."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from robovlms.architectures.architecture import Architecture
from robovlms.backbones.adapters import is_vlm_weight
from robovlms.core.config import digest_of
from robovlms.core.errors import UserError

WEIGHTS = "model.safetensors"


def locate(source: str | Path) -> Path:
    """The checkpoint directory a path, a run or a hub id stands for."""
    path = Path(source)
    if (path / "config.json").is_file() and (path / WEIGHTS).is_file():
        return path
    steps = sorted((path / "checkpoints").glob("step_*")) if path.is_dir() else []
    if steps:
        return steps[-1]
    if path.exists():
        raise UserError(f"{path} holds no checkpoint: expected config.json and {WEIGHTS}, or checkpoints/step_*.")
    if str(source).count("/") == 1 and not str(source).startswith((".", "/")):
        return _download(str(source))
    raise UserError(f"Checkpoint {source} does not exist.")


def digest(source: str | Path) -> str:
    """Digest of a checkpoint's weights, configuration and statistics."""
    directory = locate(source)
    files = [
        p for p in sorted(directory.rglob("*")) if p.is_file() and "training" not in p.relative_to(directory).parts
    ]
    return digest_of("".join(f"{p.relative_to(directory)}:{digest_of(p.read_bytes())}\n" for p in files))


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(hub_id))
    except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(f"'{hub_id}' is neither a local checkpoint nor a reachable hub id: {error}") from None


def own_weights(network: Architecture) -> dict[str, Tensor]:
    """All weights but the VLM's, by name."""
    state = network.state_dict()
    return {key: value.contiguous() for key, value in state.items() if not is_vlm_weight(key)}


def load_own_weights(network: Architecture, path: Path) -> None:
    """Put weights that ``own_weights`` gave back into a network.

    Raises:
        UserError: the file is missing or damaged, or does not fit, or holds NaN; keys are listed.
    """
    try:
        stored = load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is missing or damaged: {error}") from None
    expected = own_weights(network)
    missing, unexpected = sorted(expected.keys() - stored.keys()), sorted(stored.keys() - expected.keys())
    wrong = sorted(k for k in expected.keys() & stored.keys() if expected[k].shape != stored[k].shape)
    if missing or unexpected or wrong:
        raise UserError(f"{path} does not fit: missing {missing}, unexpected {unexpected}, other shapes {wrong}.")
    if spoilt := sorted(k for k, value in stored.items() if value.is_floating_point() and not value.isfinite().all()):
        raise UserError(f"{path} is damaged: {spoilt} hold numbers that are not finite. Load another checkpoint.")
    network.load_state_dict(stored, strict=False)
