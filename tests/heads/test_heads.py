"""Losses against torch's own, masks, and windowed against streamed answers of the policy head."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.heads.head import Features
from robovlms.heads.losses import gripper_loss, masked_mean, pose_loss
from robovlms.heads.lstm import LSTMConfig
from robovlms.heads.mlp import MLPConfig
from robovlms.heads.sequence import shift

SPEC = ActionSpec(
    components=(
        ActionComponent(name="position", dims=3, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
        ActionComponent(name="rotation", dims=2, kind="delta_rotation"),
    ),
    rate_hz=10,
)


def features(b=3, t=4, m=2, d=8, valid=None):
    torch.manual_seed(0)
    return Features(torch.randn(b, t, m, d), torch.ones(b, t, dtype=torch.bool) if valid is None else valid)


@pytest.mark.parametrize("kind", ["huber", "mse", "l1"])
def test_pose_loss_without_a_mask_is_torchs(kind):
    torch.manual_seed(0)
    predicted, target = torch.randn(5, 3) * 3, torch.randn(5, 3)
    theirs = {"huber": torch.nn.HuberLoss(), "mse": torch.nn.MSELoss(), "l1": torch.nn.L1Loss()}[kind]
    assert pose_loss(predicted, target, torch.ones(5, dtype=torch.bool), kind).item() == pytest.approx(
        theirs(predicted, target).item(), abs=1e-6
    )


def test_masked_entries_count_nothing():
    logits, target = torch.randn(4, 1), torch.randint(0, 2, (4, 1)).float()
    mask = torch.tensor([True, True, False, False])
    changed = logits.clone()
    changed[2:] += 100
    assert gripper_loss(logits, target, mask) == gripper_loss(changed, target, mask)


def test_an_all_masked_batch_gives_zero_and_no_nan():
    head = MLPConfig(num_slots=2).build(SPEC, chunk=5, width=8)
    losses = head.loss(features(), torch.zeros(3, 4, 5, 6), torch.zeros(3, 4, 5, dtype=torch.bool))
    losses.total.backward()
    assert losses.total.item() == 0
    assert all(torch.isfinite(p.grad).all() for p in head.parameters())


def test_masked_mean_of_nothing_is_zero():
    assert masked_mean(torch.tensor([3.0]), torch.tensor([False])).item() == 0


def test_without_a_gripper_every_trained_parameter_has_a_gradient():
    spec = ActionSpec(components=SPEC.components[:1], rate_hz=10)
    assert spec.gripper is None
    head = MLPConfig(num_slots=2).build(spec, chunk=5, width=8)
    actions, mask = torch.zeros(3, 4, 5, spec.dims), torch.ones(3, 4, 5, dtype=torch.bool)
    head.loss(features(), actions, mask).total.backward()
    assert all(parameter.grad is not None for parameter in head.parameters() if parameter.requires_grad)


def test_columns_come_back_in_the_order_of_the_spec():
    head = MLPConfig(num_slots=2).build(SPEC, chunk=5, width=8)
    assert head.pose_columns == [0, 1, 2, 4, 5]
    merged = head.merge(torch.tensor([[0.0, 1, 2, 4, 5]]), torch.tensor([[3.0]]))
    assert merged.tolist() == [[0, 1, 2, 3, 4, 5]]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_shift_rotates_each_row_by_its_own_padding(padding):
    values = torch.arange(6.0)[None, :, None].expand(len(padding), -1, -1)
    shifted = shift(values, torch.tensor(padding))
    assert torch.equal(shift(shifted, -torch.tensor(padding)), values)
    assert shifted[:, 0, 0].tolist() == [p % 6 for p in padding]


def test_left_padding_never_changes_the_policy_heads_answer():
    head = LSTMConfig(num_slots=2).build(SPEC, chunk=5, width=8)
    full = features(b=2, t=6, valid=torch.tensor([[False] * 3 + [True] * 3, [True] * 6]))
    short = Features(full.slots[:1, 3:], torch.ones(1, 3, dtype=torch.bool))
    ours, alone = head.outputs(full), head.outputs(short)
    for padded, plain in zip(ours, alone, strict=True):
        assert (padded[:1, 3:] - plain).abs().max() <= 1e-6


def test_the_policy_head_is_causal():
    head = LSTMConfig(num_slots=2).build(SPEC, chunk=5, width=8)
    one = features(t=6)
    changed = one.slots.clone()
    changed[:, 4:] += 1
    before = head.outputs(one)[0][:, :4]
    assert torch.equal(head.outputs(Features(changed, one.valid))[0][:, :4], before)
