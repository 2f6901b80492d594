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
from robovlms.data.rlds.convention import CONVENTION_FILE, RLDSConvention
from robovlms.data.rlds.features import STEPS, Leaf
from robovlms.data.rlds.folder import RLDSDataset


def choose(
    rlds: RLDSDataset,
    asked: str | RLDSConvention | None,
    rate_hz: float | None = None,
    bgr_cameras: Collection[str] | None = None,
    instruction: str | None = None,
) -> Convention:
    """The convention asked for, or what the folder says of itself, or the table of the data set's own name.

    ``bgr_cameras`` are those whose files have red and blue swapped. When None, they are those the table says, where
    files are no JPEG: copies that ``rlds_dataset_mod`` re-encoded as JPEG have been put right.

    Raises:
        UnknownName: No such table or camera; or the data set lacks a feature, and the message names the nearest it has.
        UserError: Nobody states the control rate, or a feature is no image, or no numbers, as it should.
    """
    found = _named(rlds, asked)
    convention = replace(found, rate_hz=rate_hz or found.rate_hz, sentence=instruction)
    for feature in (*convention.features, *(camera.path for camera in convention.cameras)):
        if STEPS + feature not in rlds.leaves:
            raise UnknownName(f"feature of {rlds.path}", STEPS + feature, rlds.leaves)
    for camera in convention.cameras:
        require_image(rlds.leaf(STEPS + camera.path))
    for _, numbers in (*convention.actions, *convention.state):
        for feature in numbers.features:
            _require_numbers(rlds.leaf(STEPS + feature))
    if convention.rate_hz is None:
        raise UserError(f"{rlds.path}: no source states the control rate of '{rlds.name}'. Set rate_hz (Hz).")
    return replace(convention, cameras=_coloured(rlds, convention.cameras, bgr_cameras))


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


def _require_numbers(leaf: Leaf) -> None:
    if leaf.kind != "tensor" or leaf.dtype == "string" or leaf.levels != 1 or -1 in leaf.shape:
        raise UserError(
            f"Feature '{leaf.path}' is a {leaf.kind} of {leaf.dtype} {leaf.shape}, expected as many numbers in every "
            "step. Name another feature."
        )


def _named(rlds: RLDSDataset, asked: str | RLDSConvention | None) -> Convention:
    own = rlds.path / CONVENTION_FILE
    if asked is None and own.is_file():
        return given(_own(own))
    if isinstance(asked, RLDSConvention):
        return given(asked)
    return convention_of(asked or rlds.name)


def _own(path: Path) -> RLDSConvention:
    return parse(RLDSConvention, read_json(path), path)
