"""What a clip shows below its cameras, read back from the pixels."""

import numpy as np
import pytest

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.evaluation.overlay import AXES, GREEN, PANEL, RED, VIEW, Overlay
from robovlms.worlds.tabletop.conventions import ACTION_SPEC

BLACK = {"static": np.zeros((64, 64, 3), np.uint8), "wrist": np.zeros((64, 64, 3), np.uint8)}


def shown(actions, spec=ACTION_SPEC, images=BLACK, **how):
    overlay = Overlay(spec)
    overlay.begin("1/5  open the drawer")
    for action in actions:
        overlay.act(np.array(action, float))
    return overlay.draw(images, **how)


def count(frame, colour):
    return int((frame == colour).all(-1).sum())


@pytest.mark.parametrize(("side", "enlarged"), [(64, 256), (84, 336), (200, 400), (256, 256), (300, 300)])
def test_small_images_are_enlarged_by_a_whole_factor(side, enlarged):
    image = np.arange(side * side * 3, dtype=np.uint8).reshape(side, side, 3)
    frame = shown([], images={"only": image})
    assert frame.shape == (enlarged + PANEL, enlarged, 3)
    factor = enlarged // side
    np.testing.assert_array_equal(frame[: side * factor : factor, : side * factor : factor], image)


def test_each_axis_draws_its_curve_where_its_values_are():
    still = shown([[0] * 7] * 20)
    up = shown([[1, 0, 0, 0, 0, 0, 1]] * 20)
    rows = np.argwhere((up == AXES[0]).all(-1))[:, 0]
    centre = np.argwhere((still == AXES[2]).all(-1))[:, 0]
    assert rows[rows > VIEW + 60].min() < np.median(centre) - 15
    assert count(up, AXES[0]) != count(still, AXES[0])


def test_traces_begin_anew_with_an_instruction():
    overlay = Overlay(ACTION_SPEC)
    overlay.begin("same words")
    before = overlay.draw(BLACK)
    overlay.act(np.ones(7))
    overlay.act(np.ones(7))
    assert (overlay.draw(BLACK) != before).any()
    overlay.begin("same words")
    np.testing.assert_array_equal(overlay.draw(BLACK), before)


def test_the_gripper_shows_the_last_command():
    opened, closed = (shown([[0, 0, 0, 0, 0, 0, 1]] * 5 + [[0, 0, 0, 0, 0, 0, grip]]) for grip in (1, -1))
    changed = np.argwhere((opened != closed).any(-1))
    assert changed[:, 1].min() > 2 * VIEW - 70
    assert changed[:, 0].min() > VIEW


def test_a_verdict_frames_the_picture():
    assert count(shown([]), GREEN) == count(shown([]), RED) == 0
    assert count(shown([], verdict="done", success=True), GREEN) > 4 * 2 * VIEW
    failed = shown([], verdict="missed grasp")
    assert count(failed, RED) > 4 * 2 * VIEW
    assert count(failed, GREEN) == 0


def test_actions_without_gripper_or_bounds():
    spec = ActionSpec(
        components=(ActionComponent(name="joints", dims=8, kind="other", low=None, high=None),), rate_hz=5
    )
    frame = shown([np.linspace(-9, 9, 8)] * 4, spec)
    assert all(count(frame, colour) > 10 for colour in AXES)


def test_a_long_instruction_is_cut_to_the_width():
    overlay = Overlay(ACTION_SPEC)
    overlay.begin("very " * 100)
    frame = overlay.draw(BLACK)
    assert frame[VIEW:, -8:].max() < 60
