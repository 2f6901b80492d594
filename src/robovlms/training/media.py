"""Frames encoded once by a frozen vision tower, so that training steps run the language model only.

The tokens are kept in full precision: training on them equals encoding the same frames at every step.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from robovlms.architectures.vlm import VLMArchitecture
from robovlms.core.errors import UserError
from robovlms.data.store.frames import FrameStore

FILE = "media.npy"
BATCH = 128


@torch.inference_mode()
def encode_frames(
    network: VLMArchitecture, store: FrameStore, folder: Path, on_frames: Callable[[int, int], None] | None = None
) -> None:
    """Write the tokens of every frame and camera to ``folder``, complete or not at all.

    Raises:
        UserError: the vision tower still trains, or what it says of a frame depends on the instruction.
    """
    if network.backbone.sees_by_text:
        raise UserError("This VLM's image tokens depend on the instruction: set model.backbone.encode_first to false.")
    if any(parameter.requires_grad for parameter in network.backbone.vision_tower.parameters()):
        raise UserError("Encoding frames beforehand needs a frozen vision tower: set model.backbone.train to text.")
    network.eval()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{FILE}"
    array: np.ndarray | None = None
    for start in range(0, len(store), BATCH):
        stop = min(start + BATCH, len(store))
        tokens = np.stack([_see(network, frames[start:stop]) for frames in store.images.values()], axis=1)
        if array is None:
            shape = (len(store), *tokens.shape[1:])
            array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=shape)
        array[start:stop] = tokens
        if on_frames:
            on_frames(stop, len(store))
    assert array is not None, "a store has frames"
    array.flush()
    partial.rename(folder / FILE)


def _see(network: VLMArchitecture, frames: UInt8[np.ndarray, "f h w 3"]) -> Float[np.ndarray, "f p d"]:
    device = network.backbone.word_embedding_device
    return network.backbone.see(torch.from_numpy(np.array(frames)).to(device)).packed().cpu().numpy()


def encoded_frames(folder: Path) -> np.ndarray | None:
    """What ``encode_frames`` wrote, memory-mapped; None when it did not run."""
    path = folder / FILE
    return np.load(path, mmap_mode="r") if path.is_file() else None
