"""What an episode of an HDF5 file saw: cameras and state components are whatever arrays its groups hold."""

from collections.abc import Sequence

import h5py  # noqa: TID253 - only code that reads such a data set imports this module
import numpy as np
from jaxtyping import Float32

from robovlms.actions.spec import Camera, ObservationSpec, StateComponent
from robovlms.core.errors import CorruptData
from robovlms.data.hdf5.conventions import state_component
from robovlms.data.hdf5.file import array_of, group_of, numbers_of, text_of
from robovlms.data.hdf5.images import frames_of, is_camera, size_of
from robovlms.data.hdf5.layout import HDF5Layout
from robovlms.data.images import Frames


def observation_spec(episode: h5py.Group, layout: HDF5Layout, rate_hz: float, where: str) -> ObservationSpec:
    """All cameras and all arrays of numbers, one row a step; decodes at most one image a camera.

    Raises:
        CorruptData: A group is missing, or a first image cannot be decoded.
    """
    images, state = group_of(episode, layout.images, where), group_of(episode, layout.state, where)
    sizes = {name: size_of(array, where) for name, array in _arrays(images, where).items() if is_camera(array)}
    widths = {
        name: int(np.prod(array.shape[1:]))
        for name, array in _arrays(state, where).items()
        if name not in sizes and array.dtype.kind in "fiu" and array.ndim in (1, 2)
    }
    cameras = tuple(Camera(name=name, height=size[0], width=size[1]) for name, size in sizes.items())
    components = tuple(state_component(name, dims) for name, dims in widths.items())
    return ObservationSpec(cameras=cameras, state=components, rate_hz=rate_hz)


def state_of(
    episode: h5py.Group, layout: HDF5Layout, components: Sequence[StateComponent], rows: int, where: str
) -> Float32[np.ndarray, "t d"]:
    """The components side by side.

    Raises:
        CorruptData: One is missing, has other rows or columns, or a number that is not finite.
    """
    found = [np.zeros((rows, 0), np.float32)]
    for component in components:
        values = numbers_of(_of_length(episode, f"{layout.state}/{component.name}", rows, where), where)
        if values.shape[1] != component.dims:
            raise CorruptData(
                f"{where}: '{component.name}' has {values.shape[1]} numbers a row, expected {component.dims}."
            )
        found.append(values)
    return np.concatenate(found, axis=1)


def images_of(
    episode: h5py.Group, layout: HDF5Layout, cameras: Sequence[Camera], rows: int, where: str
) -> dict[str, Frames]:
    """The images of some cameras.

    Raises:
        CorruptData: A camera is missing or has other rows, or an image is damaged or of another size.
    """
    arrays = {camera: _of_length(episode, f"{layout.images}/{camera.name}", rows, where) for camera in cameras}
    return {c.name: frames_of(array, layout, (c.height, c.width), where) for c, array in arrays.items()}


def _of_length(episode: h5py.Group, name: str, rows: int, where: str) -> h5py.Dataset:
    array = array_of(episode, name, where)
    found = array.shape[0] if array.shape else 0
    if found != rows:
        raise CorruptData(f"{where}: '{name}' has {found} rows, but there are {rows} actions.")
    return array


def _arrays(group: h5py.Group, where: str) -> dict[str, h5py.Dataset]:
    here = f"{where}, a name in '{group.name}'"
    return {text_of(name, here): node for name, node in group.items() if isinstance(node, h5py.Dataset)}
