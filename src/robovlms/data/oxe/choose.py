"""Which convention a folder is read by."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from robovlms.core.config import parse
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.files import read_json
from robovlms.data.oxe.convention import CameraFeature, Convention
from robovlms.data.oxe.frames import require_image
from robovlms.data.oxe.tables import convention_of, given
from robovlms.data.rlds import RLDSDataset
from robovlms.data.rlds_convention import CONVENTION_FILE, RLDSConvention
from robovlms.data.rlds_features import STEPS


def choose(
    rlds: RLDSDataset, asked: str | RLDSConvention | None, rate_hz: float | None, bgr: Collection[str] | None
) -> Convention:
    """The convention asked for, or what the folder says of itself, or the table of the data set's own name.

    ``bgr`` are the cameras whose files have red and blue swapped. When None, they are those the table says, where files
    are no JPEG: copies that ``rlds_dataset_mod`` re-encoded as JPEG have been put right.

    Raises:
        UnknownName: No such table or camera; or the data set lacks a feature, and the message names the nearest it has.
        UserError: Nobody states the control rate, or a camera is no image.
    """
    convention = _named(rlds, asked).at(rate_hz)
    for feature in (*convention.features, *(camera.path for camera in convention.cameras)):
        if STEPS + feature not in rlds.leaves:
            raise UnknownName(f"feature of {rlds.path}", STEPS + feature, rlds.leaves)
    for camera in convention.cameras:
        require_image(rlds.leaf(STEPS + camera.path))
    if convention.rate_hz is None:
        raise UserError(f"{rlds.path}: no source states the control rate of '{rlds.name}'. Set rate_hz (Hz).")
    return replace(convention, cameras=_coloured(rlds, convention.cameras, bgr))


def _coloured(
    rlds: RLDSDataset, cameras: tuple[CameraFeature, ...], bgr: Collection[str] | None
) -> tuple[CameraFeature, ...]:
    if bgr is None:
        return tuple(replace(c, bgr=c.bgr and rlds.leaf(STEPS + c.path).encoding != "jpeg") for c in cameras)
    names = [camera.feature for camera in cameras]
    for name in bgr:
        if name not in names:
            raise UnknownName("camera", name, names)
    return tuple(replace(camera, bgr=camera.feature in bgr) for camera in cameras)


def _named(rlds: RLDSDataset, asked: str | RLDSConvention | None) -> Convention:
    own = rlds.path / CONVENTION_FILE
    if asked is None and own.is_file():
        return given(_own(own))
    if isinstance(asked, RLDSConvention):
        return given(asked)
    return convention_of(asked or rlds.name)


def _own(path: Path) -> RLDSConvention:
    return parse(RLDSConvention, read_json(path), path)
