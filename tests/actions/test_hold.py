"""What holds a robot still, for each kind of action."""

import numpy as np
import pytest

from robovlms.actions.hold import hold_action
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.errors import UserError
from robovlms.worlds.tabletop.conventions import ACTION_SPEC


def spec(*components):
    return ActionSpec(components=tuple(ActionComponent(name=str(i), **c) for i, c in enumerate(components)), rate_hz=10)


def test_the_tabletop_stands_still_with_an_open_gripper():
    assert hold_action(ACTION_SPEC).tolist() == [0] * 6 + [1]


def test_the_gripper_keeps_its_last_command():
    last = np.array([0.5] * 6 + [-1], np.float32)
    held = hold_action(ACTION_SPEC, last)
    assert held.tolist() == [0] * 6 + [-1]
    assert held.dtype == np.float32
    assert last[0] == 0.5


@pytest.mark.parametrize(
    ("rotation", "identity"),
    [
        ("euler_xyz", [0, 0, 0]),
        ("axis_angle", [0, 0, 0]),
        ("quaternion_xyzw", [0, 0, 0, 1]),
        ("rotation_6d", [1, 0, 0, 0, 1, 0]),
    ],
)
def test_no_rotation_in_every_representation(rotation, identity):
    component = {"dims": len(identity), "kind": "delta_rotation", "rotation": rotation}
    assert hold_action(spec(component)).tolist() == identity


def test_velocities_stop_and_absolute_targets_stay():
    mixed = spec({"dims": 2, "kind": "other", "unit": "m/s"}, {"dims": 2, "kind": "joint_position", "unit": "rad"})
    assert hold_action(mixed, np.array([1.0, 2.0, 3.0, 4.0], np.float32)).tolist() == [0, 0, 3, 4]
    with pytest.raises(UserError, match=r"'1' \(joint_position\)"):
        hold_action(mixed)
