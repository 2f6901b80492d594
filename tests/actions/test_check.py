"""Actions that are not what their spec says never reach a network."""

import numpy as np
import pytest

from robovlms.actions.check import require_valid
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UserError

SPEC = ActionSpec(
    components=(
        ActionComponent(name="position", dims=2, kind="delta_position"),
        ActionComponent(name="joint", dims=1, kind="joint_position", unit="rad", low=None, high=None),
        ActionComponent(name="height", dims=1, kind="position", unit="m", low=0.0, high=None),
    ),
    rate_hz=10,
)


def actions(column=0, value=0.0):
    values = np.zeros((5, 4), np.float32)
    values[3, column] = value
    return values


@pytest.mark.parametrize(("column", "value"), [(0, 1.0), (1, -1.00005), (2, 1e6), (2, -1e6), (3, 1e6)])
def test_values_in_range_pass_with_room_for_rounding(column, value):
    require_valid(SPEC, actions(column, value), "data")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (1, 1.01, r"data, frame 3: action component 'position' is 1.01 in dimension 1, .*at least -1 and at most 1"),
        (0, np.nan, "'position' is nan in dimension 0"),
        (2, np.inf, "'joint' is inf in dimension 0, expected a finite number"),
        (3, -0.1, "'height' is -0.1 in dimension 0, expected a finite number and at least 0"),
    ],
)
def test_values_outside_are_named(column, value, message):
    with pytest.raises(CorruptData, match=message):
        require_valid(SPEC, actions(column, value), "data")


def test_another_dimension_is_named():
    with pytest.raises(CorruptData, match=r"got actions of 3 dimensions, expected 4 \(position 2, joint 1, height 1\)"):
        require_valid(SPEC, np.zeros((2, 3), np.float32), "data")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dims": 0}, "dims"),
        ({"scale": 0}, "scale"),
        ({"low": 2.0}, "low below high"),
        ({"high": float("inf")}, "high"),
        ({"gripper_open": float("nan")}, "gripper_open"),
        ({"rotation": "quaternion_xyzw"}, "position: got 2 dimensions, expected 4 for quaternion_xyzw"),
    ],
)
def test_a_spec_that_means_nothing_is_refused(changes, message):
    component = SPEC.components[0].model_dump() | changes
    with pytest.raises(UserError, match=message):
        validate(ActionSpec, {"components": [component], "rate_hz": 10})


def test_names_and_rate_are_checked():
    component = SPEC.components[0].model_dump()
    with pytest.raises(UserError, match="'position' is named twice"):
        validate(ActionSpec, {"components": [component, component], "rate_hz": 10})
    with pytest.raises(UserError, match="rate_hz"):
        validate(ActionSpec, {"components": [component], "rate_hz": 0})
