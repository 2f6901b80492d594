"""Losses against values computed by hand or by torch, and against whatever stands in masked places."""

import math

import pytest
import torch
from torch.nn import functional as F

from robovlms.heads.head import Features
from robovlms.heads.losses import gripper_loss, masked_mean, pose_loss, token_loss
from robovlms.heads.mlp import MLPConfig
from robovlms.worlds.tabletop.conventions import ACTION_SPEC

ALL = torch.ones(2, dtype=torch.bool)
HALF = torch.tensor([[True, False, True], [False, False, False]])  # the second row has nothing


@pytest.mark.parametrize(("kind", "expected"), [("mse", (0.04 + 4) / 2), ("huber", (0.02 + 1.5) / 2), ("l1", 1.1)])
def test_pose_losses_by_hand(kind, expected):
    predicted, target = torch.tensor([[0.2], [3.0]]), torch.tensor([[0.0], [1.0]])
    assert pose_loss(predicted, target, ALL, kind).item() == pytest.approx(expected)


def test_huber_is_squared_up_to_its_delta_and_has_slope_one_beyond():
    predicted, target = torch.tensor([[0.2], [3.0]]), torch.tensor([[0.0], [1.0]])
    expected = (0.04 / (2 * 0.3) + 2 - 0.3 / 2) / 2
    assert pose_loss(predicted, target, ALL, "huber", 0.3).item() == pytest.approx(expected)


def test_a_head_learns_with_the_delta_it_was_given():
    actions, mask = torch.zeros(1, 1, 2, 7), torch.ones(1, 1, 2, dtype=torch.bool)
    features = Features(torch.ones(1, 1, 1, 4), torch.ones(1, 1, dtype=torch.bool))
    found = {}
    for delta in (0.3, 1.0):
        torch.manual_seed(0)
        head = MLPConfig(huber_delta=delta, gripper_weight=0).build(ACTION_SPEC, 2, 4)
        torch.nn.init.constant_(head.pose.bias, 5.0)  # every error is beyond both deltas
        found[delta] = head.loss(features, actions, mask).total.item()
    assert found[0.3] - found[1.0] == pytest.approx((1.0 - 0.3) / 2, abs=1e-5)


def test_gripper_loss_by_hand():
    logits, target = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [0.0]])
    expected = (math.log(2) + math.log1p(math.exp(2))) / 2
    assert gripper_loss(logits, target, ALL).item() == pytest.approx(expected)


def test_token_loss_by_hand_and_by_torch():
    assert token_loss(
        torch.tensor([[0.0, 0.0], [math.log(3), 0.0]]), torch.tensor([0, 1]), ALL
    ).item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 3, 7), torch.randint(0, 7, (2, 3))
    ignored = ids.masked_fill(~HALF, -100)
    theirs = F.cross_entropy(logits.flatten(0, 1), ignored.flatten(), ignore_index=-100)
    torch.testing.assert_close(token_loss(logits, ignored, HALF), theirs)


def losses(predicted, target, mask):
    yield from (pose_loss(predicted, target, mask, kind) for kind in ("mse", "huber", "l1"))
    yield gripper_loss(predicted, target, mask)
    yield token_loss(predicted, target.argmax(-1), mask)


@pytest.mark.parametrize("rubbish", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("mask", [HALF, torch.zeros_like(HALF)])
def test_masked_places_count_nothing_whatever_stands_there(rubbish, mask):
    torch.manual_seed(0)
    clean, target = torch.randn(2, 3, 4), torch.rand(2, 3, 4)
    dirty = clean.where(mask[..., None], rubbish).requires_grad_()
    stained = target.where(mask[..., None], rubbish)
    for ours, expected in zip(losses(dirty, stained, mask), losses(clean, target, mask), strict=True):
        torch.testing.assert_close(ours, expected)
        (gradient,) = torch.autograd.grad(ours, dirty)
        assert torch.isfinite(gradient).all()
        assert (gradient[~mask] == 0).all()


def test_everything_masked_gives_zero():
    nothing = torch.zeros_like(HALF)
    for loss in losses(torch.randn(2, 3, 4), torch.rand(2, 3, 4), nothing):
        assert loss.item() == 0


def test_masked_mean_weighs_entries_not_rows():
    assert masked_mean(torch.tensor([[1.0, 9.0, 3.0], [9.0, 9.0, 9.0]]), HALF).item() == 2.0
