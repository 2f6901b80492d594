"""Which convention a folder is read by."""

from pathlib import Path

from robovlms.core.config import parse
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.files import read_json
from robovlms.data.oxe.convention import Convention
from robovlms.data.oxe.frames import require_image
from robovlms.data.oxe.tables import convention_of, given
from robovlms.data.rlds import RLDSDataset
from robovlms.data.rlds_convention import CONVENTION_FILE, RLDSConvention
from robovlms.data.rlds_features import STEPS


def choose(rlds: RLDSDataset, asked: str | RLDSConvention | None, rate_hz: float | None) -> Convention:
    """The convention asked for, or what the folder says of itself, or the table of the data set's own name.

    Raises:
        UnknownName: No such table; or the data set lacks a feature, and the message names the nearest it has.
        UserError: Nobody states the control rate, or a camera is no image.
    """
    convention = _named(rlds, asked).at(rate_hz)
    for feature in convention.features:
        _require(rlds, STEPS + feature)
    for camera in convention.cameras:
        _require(rlds, STEPS + camera.path)
        require_image(rlds.leaf(STEPS + camera.path))
    if convention.rate_hz is None:
        raise UserError(f"{rlds.path}: no source states the control rate of '{rlds.name}'. Set rate_hz (Hz).")
    return convention


def _named(rlds: RLDSDataset, asked: str | RLDSConvention | None) -> Convention:
    own = rlds.path / CONVENTION_FILE
    if asked is None and own.is_file():
        return given(_own(own))
    if isinstance(asked, RLDSConvention):
        return given(asked)
    return convention_of(asked or rlds.name)


def _own(path: Path) -> RLDSConvention:
    return parse(RLDSConvention, read_json(path), path)


def _require(rlds: RLDSDataset, path: str) -> None:
    if path not in rlds.leaves:
        raise UnknownName(f"feature of {rlds.path}", path, rlds.leaves)
