"""Normalised actions and their inverse: which scaling each component of a spec gets, and the object that applies it.

``denormalize(normalize(x))`` is ``x`` up to rounding over the range that a component's scalings represent (see
``scaling``); by default that is every number. The gripper is never normalised by statistics: the closed and open
values of its component become 0 and 1, whatever sign and range a data set uses.

Non-obvious behaviour: a constant dimension gets scale 1; it is then 0 when normalised and comes back as the constant.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from robovlms.actions.arrays import library
from robovlms.actions.scaling import FROM_STATISTICS, KINDS, AffineScaling, Chained, Quantile, Scaling, ScalingConfig
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.actions.statistics import ActionStatistics
from robovlms.core.config import Config
from robovlms.core.errors import UnknownName, UserError

Array = TypeVar("Array")


def _listed(value: Any) -> Any:
    """``clip``, ``{kind: clip}`` and ``[clip]`` are all a chain of one; a name stands for its default settings."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [_named(item) for item in items]


def _named(item: Any) -> Any:
    if not isinstance(item, str):
        return item
    if item not in KINDS:
        raise UnknownName("normalization", item, KINDS)
    return {"kind": item}


def _statistics_first(chain: Sequence[ScalingConfig]) -> Sequence[ScalingConfig]:
    """Statistics describe raw actions, so only the first scaling of a chain can be computed from them."""
    late = [scaling.kind for scaling in chain[1:] if isinstance(scaling, FROM_STATISTICS)]
    if late:
        raise ValueError(f"{late[0]} comes from the statistics of raw actions, so it must be the first of a chain")
    return chain


Chain = Annotated[
    tuple[ScalingConfig, ...], BeforeValidator(_listed), AfterValidator(_statistics_first), Field(min_length=1)
]
"""Scalings applied in order and undone in reverse."""


class NormalizationConfig(Config):
    """How every component but the gripper is normalised: ``default``, or what ``components`` says for its name.

    A chain expresses what upstream does with OXE data: ``[quantile, {kind: clip, low: -0.65, high: 0.65}]``. In place
    of the whole a chain may stand, in place of a chain one scaling, in place of a scaling its name.
    """

    default: Chain = (Quantile(),)
    components: Mapping[str, Chain] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _default_alone(cls, data: Any) -> Any:
        return {"default": data} if isinstance(data, str | list | tuple) else data

    def chain(self, component: ActionComponent) -> tuple[ScalingConfig, ...]:
        """The scalings of one component."""
        return self.components.get(component.name, self.default)

    def only(self, spec: ActionSpec) -> "NormalizationConfig":
        """The settings for components that a spec has."""
        names = {component.name for component in spec.components}
        return NormalizationConfig(
            default=self.default, components={name: chain for name, chain in self.components.items() if name in names}
        )

    def require_known(self, *specs: ActionSpec) -> None:
        """Refuse settings for components that none of the specs has, or whose normalisation is fixed.

        Raises:
            UserError: such a component.
        """
        kinds = {component.name: component.kind for spec in specs for component in spec.components}
        for name in self.components:
            if kinds.get(name) == "gripper":
                raise UserError(
                    f"Setting 'normalization.components.{name}': a gripper is always 0 closed and 1 open, as "
                    "gripper_closed and gripper_open of its ActionSpec say. Remove the setting."
                )
            if name not in kinds:
                raise UnknownName("action component in normalization.components", name, kinds)


class Normalizer:
    """Maps actions of one data set to normalised ones and back; the gripper to {0 closed, 1 open} and back.

    It knows nothing of windows or networks. Works on numpy arrays and torch tensors of floating point whose last axis
    is ``a``; the answer has their type, dtype and device. ``present`` are the columns of normalised actions that mean
    something.
    """

    def __init__(
        self,
        spec: ActionSpec,
        statistics: ActionStatistics,
        normalization: NormalizationConfig | None = None,
    ):
        """Combine a convention with statistics.

        Args:
            spec: The convention of the actions.
            statistics: One column for each dimension of ``spec``.
            normalization: Which scaling each component gets; quantiles when None.

        Raises:
            UserError: statistics of other dimensions, a gripper whose closed and open values are equal or missing, or
                a setting for a component that does not exist.
        """
        self.spec, self.statistics = spec, statistics
        self.normalization = normalization or NormalizationConfig()
        self.normalization.require_known(spec)
        _require_columns(spec, statistics)
        self.present = np.ones(spec.dims, bool)
        self._scalings = [self._scaling(component) for component in spec.components]

    def _scaling(self, component: ActionComponent) -> Scaling:
        if component.kind == "gripper":
            return _gripper(component)
        columns = self.statistics.columns(self.spec.slice_of(component.name))
        return Chained(tuple(scaling.fit(columns) for scaling in self.normalization.chain(component)))

    def normalize(self, actions: Array) -> Array:
        """Actions in the units of the spec to normalised actions; shape ``(..., a)``."""
        return self._map(actions, lambda component, scaling, part: scaling.normalize(part))

    def denormalize(self, actions: Array) -> Array:
        """Normalised actions back to the units of the spec; shape ``(..., a)``."""
        return self._map(actions, lambda component, scaling, part: scaling.denormalize(part))

    def snap(self, actions: Array) -> Array:
        """Actions in the units of the spec with each gripper at exactly its open or closed value, the nearer one."""
        return self._map(actions, _snapped)

    def _map(self, actions: Any, function: Callable[[ActionComponent, Scaling, Any], Any]) -> Any:
        if actions.shape[-1] != self.spec.dims:
            raise UserError(
                f"Actions do not fit the action spec: got {actions.shape[-1]} dimensions, expected {self.spec.dims} "
                f"({self.spec.layout})."
            )
        pairs = zip(self.spec.components, self._scalings, strict=True)
        parts = [function(c, scaling, actions[..., self.spec.slice_of(c.name)]) for c, scaling in pairs]
        return library(actions).concatenate(parts, -1)


def _require_columns(spec: ActionSpec, statistics: ActionStatistics) -> None:
    if statistics.dims == spec.dims:
        return
    absent = [c.name for c in spec.components if spec.slice_of(c.name).stop > statistics.dims]
    missing = f"; component '{absent[0]}' is missing" if absent else ""
    raise UserError(
        f"Action statistics do not fit the action spec: got {statistics.dims} dimensions, expected {spec.dims} "
        f"({spec.layout}){missing}. Compute the statistics again from this data."
    )


def _gripper(component: ActionComponent) -> Scaling:
    closed, opened = component.gripper_closed, component.gripper_open
    if closed is None or opened is None or closed == opened:
        raise UserError(
            f"Gripper component '{component.name}' needs two different values: got closed {closed}, open {opened}. "
            "Set gripper_closed and gripper_open in the ActionSpec."
        )
    return AffineScaling(np.array(closed), np.array(opened - closed))


def _snapped(component: ActionComponent, scaling: Scaling, part: Any) -> Any:
    if component.kind != "gripper":
        return part
    return scaling.denormalize(0 * part + (scaling.normalize(part) > 0.5))
