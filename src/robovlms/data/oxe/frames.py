"""The pixels of an RLDS data set: image files of any encoding, or arrays."""

from typing import Any

import numpy as np

from robovlms.actions.spec import Camera
from robovlms.core.errors import CorruptData, UserError
from robovlms.data.images import Frames, decode_image, decode_images
from robovlms.data.oxe.convention import OBSERVATION, CameraFeature
from robovlms.data.rlds.features import STEPS, Leaf
from robovlms.data.rlds.folder import RLDSDataset


def camera_of(rlds: RLDSDataset, feature: str) -> Camera:
    """Name and size of a camera; where ``features.json`` leaves the size open, its first image tells."""
    leaf = rlds.leaf(f"{STEPS}{OBSERVATION}{feature}")
    size = leaf.shape[:2]
    if -1 in size or not size:
        first = rlds.read(0, [leaf.path])[leaf.path][0]
        size = decode_image(first, f"{rlds.where(0)}, step 0, camera '{feature}'").shape[:2]
    return Camera(name=feature, height=size[0], width=size[1])


def require_image(leaf: Leaf) -> None:
    """Refuse a camera that is neither an image nor an array of RGB bytes.

    Raises:
        UserError: Another kind of feature; names it.
    """
    is_array = leaf.kind == "tensor" and leaf.dtype == "uint8" and len(leaf.shape) == 3 and leaf.shape[2] == 3
    if leaf.levels != 1 or not (leaf.kind == "image" or is_array):
        raise UserError(
            f"Feature '{leaf.path}' is a {leaf.kind} of {leaf.dtype} {leaf.shape}, expected one image a step. "
            "Name another camera."
        )


def images_of(camera: CameraFeature, stored: Any, kept: range, where: str) -> Frames:
    """The frames ``kept`` of a camera, stored as files or as one array; only these are decoded.

    Raises:
        CorruptData: An image is damaged, or they differ in size; names the step.
    """
    if isinstance(stored, np.ndarray):
        frames = stored[kept.start : kept.stop : kept.step]
    else:
        wheres = [f"{where}, step {step}, camera '{camera.feature}'" for step in kept]
        images = decode_images([stored[step] for step in kept], wheres)
        if len({image.shape for image in images}) > 1:
            raise CorruptData(f"{where}: the images of camera '{camera.feature}' differ in size.")
        frames = np.stack(images)
    return np.ascontiguousarray(frames[..., ::-1]) if camera.bgr else frames
