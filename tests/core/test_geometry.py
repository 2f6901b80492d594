"""Rotations against scipy and by hand: round trips, gimbal lock, the antipode, and deltas seen from the tool."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation as Turn

from robovlms.core.errors import UserError
from robovlms.core.geometry import (
    WIDTHS,
    angle_between,
    convert,
    from_matrix,
    to_base_frame,
    to_matrix,
    to_tool_frame,
)

KINDS = sorted(WIDTHS)
EULER = ["euler_xyz", "euler_xyz_intrinsic"]
QUATERNIONS = ["quaternion_xyzw", "quaternion_wxyz"]
SCIPY = {
    "euler_xyz": lambda v: Turn.from_euler("xyz", v),
    "euler_xyz_intrinsic": lambda v: Turn.from_euler("XYZ", v),
    "axis_angle": Turn.from_rotvec,
    "quaternion_xyzw": Turn.from_quat,
    "quaternion_wxyz": lambda v: Turn.from_quat(v, scalar_first=True),
}
unit_quaternions = hnp.arrays(np.float64, (8, 4), elements=st.floats(-1, 1)).filter(
    lambda q: (np.linalg.norm(q, axis=1) > 0.1).all()
)


def assert_same_turn(ours, theirs, tolerance=1e-12):
    np.testing.assert_allclose(ours, theirs, atol=tolerance)


@settings(max_examples=100, deadline=None)
@given(quaternions=unit_quaternions, kind=st.sampled_from(KINDS))
def test_every_representation_keeps_the_rotation(quaternions, kind):
    matrices = Turn.from_quat(quaternions).as_matrix().reshape(2, 4, 3, 3)
    values = from_matrix(matrices, kind)
    assert values.shape == (2, 4, WIDTHS[kind])
    assert_same_turn(to_matrix(values, kind), matrices)


@settings(max_examples=60, deadline=None)
@given(quaternions=unit_quaternions, source=st.sampled_from(KINDS), target=st.sampled_from(KINDS))
def test_conversions_keep_the_rotation_in_either_precision(quaternions, source, target):
    matrices = Turn.from_quat(quaternions).as_matrix()
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-6)):
        values = from_matrix(matrices, source).astype(dtype)
        there = convert(values, source, target)
        assert there.dtype == dtype
        assert_same_turn(to_matrix(there.astype(np.float64), target), matrices, tolerance)


@settings(max_examples=60, deadline=None)
@given(values=hnp.arrays(np.float64, (8, 4), elements=st.floats(-7, 7)), kind=st.sampled_from(sorted(SCIPY)))
def test_matrices_are_scipys(values, kind):
    values = values[:, : WIDTHS[kind]]
    if kind in QUATERNIONS:
        values = values[np.linalg.norm(values, axis=1) > 0.1]
    assert_same_turn(to_matrix(values, kind), SCIPY[kind](values).as_matrix())


@settings(max_examples=60, deadline=None)
@given(quaternions=unit_quaternions)
def test_numbers_are_scipys_away_from_gimbal_lock(quaternions):
    turn = Turn.from_quat(quaternions)
    matrices = turn.as_matrix()
    ours = from_matrix(matrices, "euler_xyz")
    free = np.abs(ours[:, 1]) < 1.5
    difference = (ours - turn.as_euler("xyz"))[free] if free.all() else np.zeros(3)
    np.testing.assert_allclose((difference + np.pi) % (2 * np.pi) - np.pi, 0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(from_matrix(matrices, "axis_angle"), axis=1), turn.magnitude(), atol=1e-7)


def test_euler_conventions_by_hand():
    quarter = np.pi / 2
    # about fixed x, then fixed z: y goes to z and stays there
    fixed = to_matrix(np.array([quarter, 0, quarter]), "euler_xyz")
    np.testing.assert_allclose(fixed @ [0, 1, 0], [0, 0, 1], atol=1e-15)
    # about x, then the turned z: y turns to -x first
    turning = to_matrix(np.array([quarter, 0, quarter]), "euler_xyz_intrinsic")
    np.testing.assert_allclose(turning @ [0, 1, 0], [-1, 0, 0], atol=1e-15)


def test_quaternion_orders_and_6d_columns_by_hand():
    half = np.sqrt(0.5)  # a quarter turn about z
    matrix = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(to_matrix(np.array([0, 0, half, half]), "quaternion_xyzw"), matrix, atol=1e-15)
    np.testing.assert_allclose(to_matrix(np.array([half, 0, 0, half]), "quaternion_wxyz"), matrix, atol=1e-15)
    np.testing.assert_allclose(from_matrix(matrix, "quaternion_xyzw"), [0, 0, half, half], atol=1e-15)
    np.testing.assert_allclose(from_matrix(matrix, "rotation_6d"), [0, 1, 0, -1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(to_matrix(np.array([0, 5.0, 0, -2, 3, 0]), "rotation_6d"), matrix, atol=1e-15)


@settings(max_examples=60, deadline=None)
@given(quaternions=unit_quaternions, kind=st.sampled_from(QUATERNIONS))
def test_q_and_minus_q_are_one_rotation_and_come_back_as_one(quaternions, kind):
    matrices = to_matrix(quaternions, kind)
    assert_same_turn(to_matrix(-quaternions, kind), matrices)
    back = from_matrix(matrices, kind)
    real = back[:, 3 if kind == "quaternion_xyzw" else 0]
    assert (real >= 0).all()
    np.testing.assert_array_equal(from_matrix(to_matrix(-back, kind), kind), from_matrix(to_matrix(back, kind), kind))


@settings(max_examples=100, deadline=None)
@given(
    axis=hnp.arrays(np.float64, 3, elements=st.floats(-1, 1)).filter(lambda v: np.linalg.norm(v) > 0.1),
    short=st.one_of(st.just(0.0), st.floats(1e-16, 1e-3)),
    side=st.sampled_from([-1, 1]),
    kind=st.sampled_from(KINDS),
)
def test_half_turns_keep_the_rotation(axis, short, side, kind):
    """The antipode: just below, at and just beyond pi, the axis flips but the rotation does not."""
    vector = axis / np.linalg.norm(axis) * (np.pi + side * short)
    matrix = Turn.from_rotvec(vector).as_matrix()
    assert_same_turn(to_matrix(convert(vector, "axis_angle", kind), kind), matrix)
    assert np.linalg.norm(convert(vector, "axis_angle", "axis_angle")) <= np.pi + 1e-12


@settings(max_examples=100, deadline=None)
@given(
    roll=st.floats(-np.pi, np.pi),
    yaw=st.floats(-np.pi, np.pi),
    short=st.one_of(st.just(0.0), st.floats(0, 1e-3)),
    side=st.sampled_from([-1, 1]),
    kind=st.sampled_from(EULER),
)
def test_gimbal_lock_keeps_the_rotation(roll, yaw, short, side, kind):
    matrix = to_matrix(np.array([roll, side * (np.pi / 2 - short), yaw]), kind)
    assert_same_turn(to_matrix(from_matrix(matrix, kind), kind), matrix)


def test_at_gimbal_lock_yaw_is_zero_by_convention():
    exact = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    assert from_matrix(exact, "euler_xyz").tolist() == [0.0, np.pi / 2, 0.0]


def test_angle_between_is_the_angle_of_the_turn():
    vectors = np.array([[0, 0, 0.3], [0, 0, -np.pi + 1e-9], [1e-9, 0, 0]])
    base = to_matrix(np.array([0.4, -0.2, 1.0]), "euler_xyz")
    turned = base @ to_matrix(vectors, "axis_angle")
    np.testing.assert_allclose(
        angle_between(np.broadcast_to(base, turned.shape), turned), [0.3, np.pi - 1e-9, 1e-9], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([0.0, 0, 0, 0], "quaternion_xyzw", "quaternion of zeros"),
        ([0.0, 0, 0], "quaternion_xyzw", "got 3 numbers, expected 4"),
        ([np.nan, 0, 0], "euler_xyz", "expected finite numbers"),
        ([1.0, 0, 0, 2, 0, 0], "rotation_6d", "parallel"),
        ([0.0, 0, 0, 0, 1, 0], "rotation_6d", "zero column"),
    ],
)
def test_numbers_that_name_no_rotation_are_refused(values, kind, message):
    with pytest.raises(UserError, match=message):
        to_matrix(np.array(values), kind)


ORIENTATIONS = st.tuples(st.floats(-3.1, 3.1), st.floats(-1.2, 1.2), st.floats(-3.1, 3.1)).map(np.array)
DELTAS = hnp.arrays(np.float64, 6, elements=st.floats(-1, 1))


@settings(max_examples=100, deadline=None)
@given(
    delta=DELTAS,
    orientation=ORIENTATIONS,
    scale=st.sampled_from([0.01, 0.05, 0.3]),
    kind=st.sampled_from(EULER),
    inverted=st.booleans(),
)
def test_deltas_come_back_from_the_tools_frame(delta, orientation, scale, kind, inverted):
    seen = to_tool_frame(delta, orientation, scale, kind, inverted)
    back = to_base_frame(seen, orientation, scale, kind, inverted)
    np.testing.assert_allclose(back, delta, atol=1e-9)
    assert np.linalg.norm(seen[:3]) == pytest.approx(np.linalg.norm(delta[:3]), abs=1e-12)


def test_a_delta_from_the_tool_by_hand():
    """The tool is turned a quarter about z: what is +x for the base is -y for it; a yaw stays a yaw."""
    delta, yaw = np.array([1.0, 0, 0, 0, 0, 2.0]), np.array([0, 0, np.pi / 2])
    np.testing.assert_allclose(to_tool_frame(delta, yaw, 0.05), [0, -1, 0, 0, 0, 2.0], atol=1e-12)
    np.testing.assert_allclose(to_tool_frame(delta, yaw, 0.05, inverted=True), [0, -1, 0, 0, 0, -2.0], atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(delta=DELTAS, orientation=ORIENTATIONS)
def test_upstreams_definition(delta, orientation):
    """Old orientation seen from the new one, intrinsic angles, hundredths of a radian: ``world_to_tcp_frame``."""
    old = Turn.from_euler("XYZ", orientation)
    new = Turn.from_euler("XYZ", orientation + 0.01 * delta[3:])
    expected = np.concatenate([old.inv().apply(delta[:3]), 100 * (new.inv() * old).as_euler("XYZ")])
    ours = to_tool_frame(delta, orientation, 0.01, "euler_xyz_intrinsic", inverted=True)
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_angles_take_the_shorter_way_round():
    """An orientation just below pi, moved across it, is told as a small step."""
    delta = np.array([0, 0, 0, 0, 0, 0.2])
    orientation = np.array([0, 0, np.pi - 0.05])
    np.testing.assert_allclose(to_base_frame(to_tool_frame(delta, orientation), orientation), delta, atol=1e-12)


def test_leading_axes_and_precision_are_kept():
    rng = np.random.default_rng(0)
    delta, orientation = rng.uniform(-1, 1, (2, 5, 6)).astype(np.float32), rng.uniform(-1, 1, (2, 5, 3))
    seen = to_tool_frame(delta, orientation, 0.05)
    assert (seen.shape, seen.dtype) == ((2, 5, 6), np.float32)
    np.testing.assert_allclose(to_base_frame(seen, orientation, 0.05), delta, atol=1e-5)
