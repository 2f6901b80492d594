"""A kit's training cases as batches of ours, its frames as observations, and a record of what a network does."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from robovlms.actions.spec import ImageSpec
from robovlms.core.batch import Batch
from robovlms.core.types import Observation
from robovlms.data.images import fit_image
from robovlms.policies.vla import VLA
from robovlms.upstream.kit import Kit


@dataclass(frozen=True)
class Call:
    """One call of a recorded method."""

    arguments: tuple[Any, ...]
    result: Any


@contextmanager
def recorded(owner: Any, method: str) -> Generator[list[Call]]:
    """The calls of a method while the block runs."""
    calls: list[Call] = []
    original: Callable[..., Any] = getattr(owner, method)

    def call(*arguments: Any, **named: Any) -> Any:
        calls.append(Call(arguments, original(*arguments, **named)))
        return calls[-1].result

    setattr(owner, method, call)
    try:
        yield calls
    finally:
        delattr(owner, method)


def frames_of(vla: VLA, kit: Kit) -> dict[str, Tensor]:
    """The kit's frames by our cameras; theirs are called ``hand`` and ``static``, in that order."""
    cameras = vla.manifest.observation_spec.camera_names
    names = ("hand", "static")[-len(cameras) :]
    return {camera: kit.inputs[f"frames.{name}"] for camera, name in zip(cameras, names, strict=True)}


def fitted(frames: UInt8[Tensor, "f h w 3"], spec: ImageSpec) -> UInt8[Tensor, "f s s 3"]:
    """Frames at the size a network wants."""
    return torch.from_numpy(np.stack([fit_image(frame, spec) for frame in frames.numpy()]))


def batch_of(vla: VLA, kit: Kit, case: str) -> Batch:
    """A training case: windows of frames, their sentences, and labels as the kit's data set made them."""
    assert kit.cases is not None
    annotations, rows = kit.cases["annotations"], kit.cases["cases"][case]
    index = kit.inputs[f"{case}.frame_index"]
    actions = kit.inputs[f"{case}.action_chunck"].float()
    images = {camera: fitted(frames, vla.image_spec) for camera, frames in frames_of(vla, kit).items()}
    return Batch(
        images=images,
        frame_id=torch.arange(len(next(iter(images.values())))),
        frame_index=index,
        frame_valid=torch.ones_like(index, dtype=torch.bool),
        instructions=tuple(annotations[number][2] for number, _ in rows),
        instruction_index=torch.arange(len(rows)),
        state=torch.zeros(*index.shape, 0),
        actions=actions,
        action_mask=kit.inputs[f"{case}.chunck_mask"].bool(),
        dataset_id=torch.zeros(len(rows), dtype=torch.long),
    )


def observation(frames: Mapping[str, Tensor], number: int) -> Observation:
    """What the cameras see in one frame."""
    return Observation({camera: every[number].numpy() for camera, every in frames.items()}, np.zeros(0))
