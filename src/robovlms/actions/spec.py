"""Typed conventions: what each number of an action or an observation means.

Two sides (data and policy, policy and world, client and server) are compared with ``mismatches`` before the
first step. A wrong gripper sign or scale is an error here, not a zero score after a night of evaluation.
"""

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field, FiniteFloat, PositiveFloat, model_validator

from robovlms.core.config import Config
from robovlms.core.errors import SpecMismatch, UnknownName, UserError
from robovlms.core.geometry import WIDTHS, Rotation

Item = TypeVar("Item")

Kind = Literal[
    "delta_position", "delta_rotation", "position", "rotation", "gripper", "joint_position", "delta_joint", "other"
]
Unit = Literal["m", "rad", "1", "m/s", "rad/s"]
Frame = Literal["base", "tcp", "world", "joint", "none"]


class ActionComponent(Config):
    """One group of action dimensions.

    ``scale`` is SI units per normalised unit: a delta position of 1.0 with scale 0.04 moves the target 4 cm.
    ``low`` and ``high`` bound the values before ``scale``, or are None where no range is known. ``reference`` says
    what a delta is added to: the measured pose or the last commanded one.
    """

    name: str
    dims: int = Field(ge=1)
    kind: Kind
    unit: Unit = "1"
    scale: PositiveFloat = 1.0
    low: FiniteFloat | None = -1.0
    high: FiniteFloat | None = 1.0
    frame: Frame = "none"
    reference: Literal["measured", "commanded", "none"] = "none"
    rotation: Rotation | None = None
    gripper_closed: FiniteFloat | None = None
    gripper_open: FiniteFloat | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "ActionComponent":
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"{self.name}: got low {self.low:g} and high {self.high:g}, expected low below high")
        if self.rotation and self.dims % WIDTHS[self.rotation]:
            expected = WIDTHS[self.rotation]
            raise ValueError(f"{self.name}: got {self.dims} dimensions, expected {expected} for {self.rotation}")
        return self


class ActionSpec(Config):
    """Ordered action components and the control rate."""

    components: tuple[ActionComponent, ...] = Field(min_length=1)
    rate_hz: PositiveFloat

    @model_validator(mode="after")
    def _distinct(self) -> "ActionSpec":
        _require_distinct("component", [component.name for component in self.components])
        return self

    @property
    def dims(self) -> int:
        """Number of action dimensions ``a``."""
        return sum(component.dims for component in self.components)

    @property
    def layout(self) -> str:
        """Names and dimensions of the components, for messages."""
        return ", ".join(f"{component.name} {component.dims}" for component in self.components)

    def slice_of(self, name: str) -> slice:
        """Columns of a component."""
        start = 0
        for component in self.components:
            if component.name == name:
                return slice(start, start + component.dims)
            start += component.dims
        raise KeyError(name)

    @property
    def gripper(self) -> ActionComponent | None:
        """The binary gripper component, if there is one."""
        return next((c for c in self.components if c.kind == "gripper"), None)


class Camera(Config):
    """A camera: its name and the size of the images it delivers, in pixels."""

    name: str
    height: int = Field(ge=1)
    width: int = Field(ge=1)


class StateComponent(Config):
    """One group of proprioceptive state dimensions."""

    name: str
    dims: int = Field(ge=0)
    unit: Unit = "1"
    frame: Frame = "none"
    rotation: Rotation | None = None


class ObservationSpec(Config):
    """Ordered cameras, ordered state components and the rate they arrive at."""

    cameras: tuple[Camera, ...]
    state: tuple[StateComponent, ...] = ()
    rate_hz: PositiveFloat

    @model_validator(mode="after")
    def _distinct(self) -> "ObservationSpec":
        _require_distinct("camera", self.camera_names)
        _require_distinct("state component", self.state_names)
        return self

    @property
    def state_dims(self) -> int:
        """Number of state dimensions."""
        return sum(component.dims for component in self.state)

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(camera.name for camera in self.cameras)

    @property
    def state_names(self) -> tuple[str, ...]:
        """State component names in order."""
        return tuple(component.name for component in self.state)

    def require_cameras(self) -> None:
        """Refuse to build a policy that would see nothing.

        Raises:
            UserError: there is no camera.
        """
        if not self.cameras:
            raise UserError("A policy sees at least one camera: got none. Name some, or leave the choice out.")

    def select(self, cameras: Sequence[str] | None = None, state: Sequence[str] | None = None) -> "ObservationSpec":
        """The part of this spec a policy reads, in the order given; ``None`` keeps everything.

        Raises:
            UnknownName: a camera or state component this spec does not have.
        """
        return ObservationSpec(
            cameras=_pick("camera", self.cameras, self.camera_names, cameras),
            state=_pick("state component", self.state, self.state_names, state),
            rate_hz=self.rate_hz,
        )

    def columns(self, names: Sequence[str]) -> list[int]:
        """Columns of the state vector that hold these components, in the order given."""
        starts = dict(zip(self.state_names, np.cumsum([0] + [c.dims for c in self.state]).tolist(), strict=False))
        chosen = _pick("state component", self.state, self.state_names, names)
        return [starts[component.name] + offset for component in chosen for offset in range(component.dims)]


def _require_distinct(what: str, names: Sequence[str]) -> None:
    if twice := [name for name in dict.fromkeys(names) if list(names).count(name) > 1]:
        raise ValueError(f"{what} '{twice[0]}' is named twice")


def _pick(kind: str, items: tuple[Item, ...], names: tuple[str, ...], wanted: Sequence[str] | None) -> tuple[Item, ...]:
    for place, name in enumerate(wanted or ()):
        if name not in names:
            raise UnknownName(kind, name, names)
        if name in list(wanted or ())[:place]:
            raise UserError(f"The {kind} '{name}' is asked for twice. Name it once.")
    return items if wanted is None else tuple(items[names.index(name)] for name in wanted)


class ImageSpec(Config):
    """The pixels a backbone wants: square size, resampling filter, and how another aspect ratio is fitted."""

    size: int
    resample: Literal["bilinear", "bicubic", "lanczos", "nearest"] = "bicubic"
    fit: Literal["stretch", "pad", "crop"] = "stretch"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


Spec = ActionSpec | ObservationSpec


def mismatches(a: Spec, b: Spec) -> list[str]:
    """Every difference between two specs of the same class, one line each; empty when they agree."""
    if type(a) is not type(b):
        return [f"kind of spec: {type(a).__name__} against {type(b).__name__}"]
    found: list[str] = []
    if a.rate_hz != b.rate_hz:
        found.append(f"rate_hz: {a.rate_hz:g} against {b.rate_hz:g}")
    for group in ("components", "cameras", "state"):
        if hasattr(a, group):
            found += _group_mismatches(group, getattr(a, group), getattr(b, group))
    return found


def _group_mismatches(group: str, left: tuple[Config, ...], right: tuple[Config, ...]) -> list[str]:
    found: list[str] = []
    names_a, names_b = [getattr(c, "name") for c in left], [getattr(c, "name") for c in right]  # noqa: B009
    if names_a != names_b:
        return [f"{group}: {names_a} against {names_b}"]
    for name, one, other in zip(names_a, left, right, strict=True):
        for field in type(one).model_fields:
            mine, theirs = getattr(one, field), getattr(other, field)
            if mine != theirs:
                found.append(f"{group}.{name}.{field}: {mine} against {theirs}")
    return found


def require_match(left: str, a: Spec, right: str, b: Spec) -> None:
    """Raise ``SpecMismatch`` naming both sides unless the specs agree."""
    differences = mismatches(a, b)
    if differences:
        raise SpecMismatch(left, right, differences)
