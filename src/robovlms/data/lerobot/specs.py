"""What the numbers of a LeRobot data set mean: ours say it in ``meta/specs.json``, and it must fit the features."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.config import parse
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.info import Info

Specs = Mapping[str, Any]


def dims_of(folder: Path, info: Info, feature: str) -> int:
    """How many numbers a row of a feature has.

    Raises:
        CorruptData: It is no vector.
        UnknownName: There is no such feature.
    """
    shape = info.feature(feature).shape
    if len(shape) != 1:
        raise CorruptData(f"{folder / fmt.INFO}: feature '{feature}' has shape {shape}, expected one size. Correct it.")
    return shape[0]


def action_spec_of(folder: Path, info: Info, specs: Specs, dims: int, asked: ActionSpec | None) -> ActionSpec:
    """What the settings say, else the data set; unnamed numbers where neither does.

    Raises:
        UserError: It describes another number of dimensions than the data has.
    """
    found = asked or _stated(ActionSpec, "action_spec", specs, folder)
    if found is None:
        unnamed = ActionComponent(name="action", dims=dims, kind="other", low=None, high=None)
        return ActionSpec(components=(unnamed,), rate_hz=info.fps)
    _require_dims("action_spec", found.dims, "actions", dims, folder)
    return found


def observation_spec_of(folder: Path, info: Info, specs: Specs, dims: int) -> ObservationSpec:
    """The same for cameras and state.

    Raises:
        UnknownName: It names a camera that the data does not have.
        UserError: It describes another size of images or state than the data has.
    """
    sizes = {name: info.features[key].size for name, key in info.cameras.items()}
    found = _stated(ObservationSpec, "observation_spec", specs, folder)
    if found is None:
        cameras = tuple(Camera(name=name, height=size[0], width=size[1]) for name, size in sizes.items())
        state = (StateComponent(name="state", dims=dims),) if dims else ()
        return ObservationSpec(cameras=cameras, state=state, rate_hz=info.fps)
    for camera in found.cameras:
        if camera.name not in sizes:
            raise UnknownName("camera", camera.name, sizes)
        if (got := (camera.height, camera.width)) != sizes[camera.name]:
            raise CorruptData(
                f"{folder / fmt.SPECS}: got {got} pixels of camera '{camera.name}', expected {sizes[camera.name]} "
                f"as in {fmt.INFO}. Correct it, or create the data set again."
            )
    _require_dims("observation_spec", found.state_dims, "state", dims, folder)
    return found


def _stated(kind: Any, name: str, specs: Specs, folder: Path) -> Any:
    return parse(kind, specs[name], folder / fmt.SPECS) if name in specs else None


def _require_dims(spec: str, stated: int, what: str, stored: int, folder: Path) -> None:
    if stated != stored:
        raise UserError(
            f"{folder}: {spec} describes {stated} numbers, but {what} in {fmt.INFO} have {stored}. Correct {fmt.SPECS} "
            "or the setting, or name another feature."
        )
