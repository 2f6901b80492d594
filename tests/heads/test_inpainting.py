"""Guidance of real-time chunking, on velocity fields whose every value is known in closed form."""

import math

import pytest
import torch

from robovlms.heads.inpainting import MAX_GUIDANCE, RunningPlan, guided, guided_velocity


def plan(actions, length, frozen):
    return RunningPlan(actions, torch.tensor(length), torch.tensor(frozen))


def test_weights_by_hand():
    """Frozen 2, over at 6 of 10: the ramp 4/5 3/5 2/5 1/5, each c times (e^c - 1) / (e - 1) (eq. 5)."""
    weights = plan(torch.zeros(3, 10, 1), [6, 0, 3], [2, 4, 3]).weights()
    ramp = [c * (math.exp(c) - 1) / (math.e - 1) for c in (0.8, 0.6, 0.4, 0.2)]
    assert weights[0].tolist() == pytest.approx([1, 1, *ramp, 0, 0, 0, 0])
    assert weights[1].tolist() == [0] * 10
    assert weights[2].tolist() == [1] * 3 + [0] * 7


def gaussian_velocity(mean, std):
    """The exact velocity field for clean rows ~ N(mean, std^2): v = (E[clean | x] - x) / (1 - time)."""

    def velocity(x, time):
        slope = time * std**2 / (time**2 * std**2 + (1 - time) ** 2)
        return (mean + slope * (x - time * mean) - x) / (1 - time)

    return velocity


@pytest.mark.parametrize("time", [0.0, 0.1, 0.5, 0.9])
def test_one_step_by_hand(time):
    """Here the estimate is linear in x, so its Jacobian is one number: ``slope``."""
    x, wanted = torch.tensor([[[0.3], [-0.7]]]), torch.tensor([[[1.0], [2.0]]])
    mean, std, field = 0.5, 0.8, gaussian_velocity(0.5, 0.8)
    slope = time * std**2 / (time**2 * std**2 + (1 - time) ** 2)
    clean = mean + slope * (x - time * mean)
    r2 = (1 - time) ** 2 / (time**2 + (1 - time) ** 2)
    strength = min(5.0, (1 - time) / (time * r2)) if time else 5.0
    expected = field(x, time) + strength * slope * torch.tensor([1.0, 0.0])[None, :, None] * (wanted - clean)
    got = guided_velocity(lambda p: field(p, time), x, plan(wanted, [1], [1]), time)
    assert torch.allclose(got, expected, atol=1e-5)


def test_a_denoiser_of_ddim_is_guided_alike():
    """With sqrt(alpha_bar)^2 + sqrt(1 - alpha_bar)^2 = 1 the pull weighs 1 / sqrt(alpha_bar), capped."""
    x, wanted, half = torch.randn(2, 3, 2), torch.zeros(2, 3, 2), plan(torch.zeros(2, 3, 2), [3, 3], [3, 3])
    for alpha_bar in (0.9, 0.5, 1e-4):
        scale, noise = math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)
        got = guided(lambda p: 0.5 * p, x, half, scale, noise)
        gain = min(1 / scale, MAX_GUIDANCE * noise)
        assert torch.allclose(got, 0.5 * x + gain * 0.5 * (wanted - 0.5 * x), atol=1e-5)


def two_ways(x, time):
    """The exact field for chunks that are all +1 or all -1 (each row with a little noise): go left or go right."""
    std = 0.1
    spread = time**2 * std**2 + (1 - time) ** 2
    side = torch.tanh((time * x / spread).sum(dim=1, keepdim=True))
    clean = side + time * std**2 / spread * (x - time * side)
    return (clean - x) / (1 - time)


def sample(noise, running=None, steps=20):
    x = noise
    for step in range(steps):
        time = step / steps
        field = (lambda t: lambda p: two_ways(p, t))(time)
        v = field(x) if running is None else guided_velocity(field, x, running, time)
        x = x + v / steps
    return x


def test_a_plan_that_goes_one_way_is_continued_that_way():
    torch.manual_seed(0)
    noise = torch.randn(64, 8, 1)
    free = sample(noise)
    assert (free.abs() - 1).abs().max() < 0.6
    assert 16 < (free.mean(dim=1) > 0).sum() < 48  # both ways occur
    right = plan(torch.ones(64, 8, 1), [4] * 64, [2] * 64)
    continued = sample(noise, right)
    assert (continued.mean(dim=1) > 0).sum() >= 62  # guidance is soft: the most extreme noise still goes left
    assert (continued[:, :2] - 1).abs().median() < 0.1


def test_where_nothing_runs_nothing_is_guided_and_rows_do_not_meet():
    torch.manual_seed(1)
    noise = torch.randn(3, 8, 1)
    rest = torch.full((3, 8, 1), float("nan"))
    rest[1, :4] = 1.0
    mixed = sample(noise, plan(rest, [0, 4, 0], [0, 2, 0]))
    free = sample(noise)
    assert torch.allclose(mixed[[0, 2]], free[[0, 2]], atol=1e-5)
    alone = sample(noise[1:2], plan(rest[1:2], [4], [2]))
    assert torch.allclose(mixed[1:2], alone, atol=1e-5)


def test_guidance_works_where_gradients_are_off_and_leaves_none_behind():
    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        got = guided(layer, torch.randn(1, 3, 2), plan(torch.zeros(1, 3, 2), [2], [1]), 0.5, 0.5)
    assert not got.requires_grad
    assert layer.weight.grad is None
