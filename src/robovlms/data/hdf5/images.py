"""Images in HDF5 files: arrays of pixels, or of JPEG and PNG files that may be padded to one length."""

import h5py  # noqa: TID253 - only code that reads such a data set imports this module
import numpy as np

from robovlms.core.errors import CorruptData
from robovlms.data.hdf5.file import reading
from robovlms.data.hdf5.layout import HDF5Layout
from robovlms.data.images import Frames, decode_images

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG")


def is_camera(array: h5py.Dataset) -> bool:
    """Whether an array holds images: RGB bytes, or rows that start as JPEG or PNG files do."""
    if array.dtype == np.uint8 and array.ndim == 4:
        return array.shape[3] == 3
    kinds = (array.dtype == np.uint8 and array.ndim == 2) or (array.dtype.kind in "SO" and array.ndim == 1)
    return bool(kinds and len(array) and _file(array[0]).startswith(_SIGNATURES))


def size_of(array: h5py.Dataset, where: str) -> tuple[int, int]:
    """Height and width of a camera's images; those of the first, where they are image files."""
    if array.ndim == 4:
        return array.shape[1], array.shape[2]
    return decode_images([_file(array[0])], [f"{where}, row 0, '{array.name}'"])[0].shape[:2]


def frames_of(array: h5py.Dataset, layout: HDF5Layout, size: tuple[int, int], where: str) -> Frames:
    """All images of a camera, upright and RGB.

    Raises:
        CorruptData: They cannot be read or decoded, or are not of this (height, width); names the row.
    """
    with reading(f"{where}, '{array.name}'"):
        stored = array[()]
    if stored.ndim != 4:
        wheres = [f"{where}, row {row}, '{array.name}'" for row in range(len(stored))]
        images = decode_images([_file(row) for row in stored], wheres)
        other = next((row for row, image in enumerate(images) if image.shape[:2] != size), None)
        if other is not None:
            raise CorruptData(f"{wheres[other]}: got {images[other].shape[:2]} pixels, expected {size}.")
        stored = np.stack(images)
    elif stored.shape[1:] != (*size, 3) or stored.dtype != np.uint8:
        got = f"{stored.dtype} images of {stored.shape[1:]}"
        raise CorruptData(f"{where}, '{array.name}': got {got}, expected uint8 images of {(*size, 3)}.")
    return _upright(stored, layout)


def _upright(images: Frames, layout: HDF5Layout) -> Frames:
    if layout.flip != "none":
        images = images[:, ::-1]
    if layout.flip == "rotate_180":
        images = images[:, :, ::-1]
    if layout.channels == "bgr":
        images = images[..., ::-1]
    return np.ascontiguousarray(images)


def _file(row: object) -> bytes:
    """The bytes of an image file; zeros after its end are padding, which decoders pass over."""
    return row.tobytes() if isinstance(row, np.ndarray) else bytes(row) if isinstance(row, bytes) else b""
