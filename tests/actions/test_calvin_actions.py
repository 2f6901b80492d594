import numpy as np
import pytest

from robovlms.actions.calvin import ROBOT_STATE, SCENE_STATE, absolute_actions, relative_actions


def poses():
    """A tool that turns past the angle where pi becomes -pi."""
    robot_obs = np.zeros((2, 15))
    robot_obs[:, :6] = [0.1, 0.2, 0.3, 3.13, 0.0, -3.13]
    return robot_obs, np.array([[0.11, 0.2, 0.29, -3.14, 0.01, 3.14, 1.0], [0.2, 0.1, 0.3, 3.0, 0.2, -3.13, -1.0]])


def test_relative_actions_are_the_clipped_way_to_the_next_pose():
    robot_obs, absolute = poses()
    turn = (2 * np.pi - 6.27) / 0.05  # from 3.13 to -3.14
    expected = [[0.5, 0, -0.5, turn, 0.2, -turn, 1], [1, -1, 0, -1, 1, 0, -1]]  # 2 cm and 0.05 rad a unit
    np.testing.assert_allclose(relative_actions(absolute, robot_obs), expected, atol=1e-9)


def test_absolute_actions_undo_it_where_nothing_was_clipped():
    robot_obs, absolute = poses()
    found = absolute_actions(relative_actions(absolute, robot_obs), robot_obs)
    np.testing.assert_allclose(found[0], absolute[0], atol=1e-9)
    np.testing.assert_allclose(found[1], [0.12, 0.18, 0.3, 3.08, 0.05, -3.13, -1], atol=1e-9)


@pytest.mark.parametrize(("state", "numbers"), [(ROBOT_STATE, 15), (SCENE_STATE, 24)])
def test_the_state_has_as_many_numbers_as_the_files(state, numbers):
    assert sum(component.dims for component in state) == numbers
