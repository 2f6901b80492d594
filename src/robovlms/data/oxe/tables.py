"""All conventions by the name a data set gives itself, and how one is chosen for a folder."""

from collections.abc import Mapping
from itertools import accumulate
from typing import TypeVar

from robovlms.actions.spec import ActionComponent, StateComponent
from robovlms.core.errors import UnknownName
from robovlms.data.oxe.bridge import BRIDGE_DATA
from robovlms.data.oxe.convention import CameraFeature, Convention
from robovlms.data.oxe.franka import FRANKA
from robovlms.data.oxe.numbers import Numbers, columns, join, take
from robovlms.data.oxe.others import OTHERS
from robovlms.data.oxe.rtx import RTX
from robovlms.data.rlds.convention import RLDSConvention

Part = TypeVar("Part", ActionComponent, StateComponent)

CONVENTIONS: Mapping[str, Convention] = {**BRIDGE_DATA, **RTX, **FRANKA, **OTHERS}
ALIASES: Mapping[str, str] = {"bridge_oxe": "bridge", "fmb_dataset": "fmb"}
"""Names of openvla for data sets that call themselves otherwise."""


def convention_of(name: str) -> Convention:
    """By the name of the data set, or one that openvla uses.

    Raises:
        UnknownName: No convention of that name is known.
    """
    known = ALIASES.get(name, name)
    if known not in CONVENTIONS:
        remedy = "Or say what the data set's features mean: the setting features."
        raise UnknownName("RLDS convention", name, [*CONVENTIONS, *ALIASES], remedy)
    return CONVENTIONS[known]


def given(settings: RLDSConvention) -> Convention:
    """The convention that a user's settings describe."""
    actions, state = (join(*map(take, features)) for features in (settings.actions, settings.state_features))
    return Convention(
        cameras=tuple(
            CameraFeature(name, "wrist" if name in settings.wrist_cameras else "static") for name in settings.cameras
        ),
        actions=_columns(settings.action_spec.components, actions),
        state=_columns(settings.state, state),
        rate_hz=settings.action_spec.rate_hz,
        language=settings.language,
        source=settings.source,
    )


def _columns(components: tuple[Part, ...], numbers: Numbers) -> tuple[tuple[Part, Numbers], ...]:
    ends = list(accumulate(component.dims for component in components))
    stops = [*ends[:-1], None][: len(ends)]  # the last has all that is left, so that columns too many are noticed
    return tuple(
        (component, columns(numbers, end - component.dims, stop))
        for component, end, stop in zip(components, ends, stops, strict=True)
    )
