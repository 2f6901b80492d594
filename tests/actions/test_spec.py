"""Conventions: every difference is found and both sides are named."""

import pytest

from robovlms.actions.spec import (
    ActionComponent,
    ActionSpec,
    Camera,
    ObservationSpec,
    StateComponent,
    mismatches,
    require_match,
)
from robovlms.core.config import validate
from robovlms.core.errors import SpecMismatch, UnknownName, UserError

DELTA = ActionComponent(name="delta", dims=3, kind="delta_position", unit="m", scale=0.04, frame="base")
GRIPPER = ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1)
SPEC = ActionSpec(components=(DELTA, GRIPPER), rate_hz=10)
OBSERVATION = ObservationSpec(
    cameras=(Camera(name="static", height=64, width=64), Camera(name="wrist", height=64, width=64)),
    state=(StateComponent(name="tcp", dims=3, unit="m"), StateComponent(name="width", dims=1)),
    rate_hz=10,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [("scale", 0.02), ("frame", "tcp"), ("reference", "measured"), ("unit", "1"), ("kind", "position"), ("low", -2.0)],
)
def test_each_field_of_a_component_counts(field, value):
    other = ActionSpec(components=(DELTA.model_copy(update={field: value}), GRIPPER), rate_hz=10)
    assert len(mismatches(SPEC, other)) == 1
    assert f"components.delta.{field}" in mismatches(SPEC, other)[0]


def test_a_flipped_gripper_and_another_rate_are_both_listed():
    flipped = GRIPPER.model_copy(update={"gripper_closed": 1.0, "gripper_open": -1.0})
    found = mismatches(SPEC, ActionSpec(components=(DELTA, flipped), rate_hz=30))
    assert [line.split(":")[0] for line in found] == [
        "rate_hz",
        "components.gripper.gripper_closed",
        "components.gripper.gripper_open",
    ]


def test_order_counts_and_equal_specs_agree():
    assert mismatches(SPEC, SPEC) == []
    assert mismatches(SPEC, ActionSpec(components=(GRIPPER, DELTA), rate_hz=10)) == [
        "components: ['delta', 'gripper'] against ['gripper', 'delta']"
    ]
    assert mismatches(SPEC, OBSERVATION) == ["kind of spec: ActionSpec against ObservationSpec"]


def test_a_mismatch_names_both_sides():
    with pytest.raises(SpecMismatch, match="The checkpoint and the world use different conventions"):
        require_match("The checkpoint", SPEC, "the world", ActionSpec(components=(DELTA, GRIPPER), rate_hz=5))


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (ActionSpec, {"components": []}, "components"),
        (ActionSpec, {"components": [DELTA, DELTA]}, "component 'delta' is named twice"),
        (ObservationSpec, {"cameras": [{"name": "static", "height": 0, "width": 64}]}, "cameras.0.height"),
        (ObservationSpec, {"cameras": [OBSERVATION.cameras[0]] * 2}, "camera 'static' is named twice"),
        (
            ObservationSpec,
            {"cameras": [], "state": [OBSERVATION.state[1]] * 2},
            "state component 'width' is named twice",
        ),
        (ObservationSpec, {"cameras": [], "state": [{"name": "tcp", "dims": -1}]}, "state.0.dims"),
        (ObservationSpec, {"cameras": [], "rate_hz": 0}, "rate_hz"),
    ],
)
def test_specs_that_mean_nothing_are_refused(kind, wrong, message):
    with pytest.raises(UserError, match=message):
        validate(kind, {"rate_hz": 10, **wrong})


def test_slices_and_columns():
    assert SPEC.dims == 4
    assert SPEC.slice_of("gripper") == slice(3, 4)
    assert SPEC.gripper == GRIPPER
    assert OBSERVATION.columns(["width", "tcp"]) == [3, 0, 1, 2]
    chosen = OBSERVATION.select(cameras=["wrist"], state=[])
    assert chosen.camera_names == ("wrist",)
    assert chosen.state_dims == 0


def test_an_unknown_camera_is_named():
    with pytest.raises(UnknownName, match="Did you mean 'wrist'"):
        OBSERVATION.select(cameras=["wrsit"])
    with pytest.raises(UserError, match="camera 'wrist' is asked for twice"):
        OBSERVATION.select(cameras=["wrist", "wrist"])


def test_specs_survive_json():
    assert ActionSpec.model_validate_json(SPEC.model_dump_json()) == SPEC
    assert ObservationSpec.model_validate_json(OBSERVATION.model_dump_json()) == OBSERVATION
