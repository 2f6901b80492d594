"""Schedules and samplers against values of the diffusers library, closed forms, and a choice that has no middle."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from test_heads import SPEC

from robovlms.heads.diffusion import DiffusionConfig, cosine_schedule
from robovlms.heads.flow import FlowConfig
from robovlms.heads.gpt import GPTConfig
from robovlms.heads.head import Features
from robovlms.heads.mlp import MLPConfig


def diffusion(steps=10):
    return DiffusionConfig(width=8, sampling_steps=steps).build(SPEC, chunk=1, width=4)


def flow(steps=10):
    return FlowConfig(width=8, sampling_steps=steps).build(SPEC, chunk=1, width=4)


def chunks(*values):
    return torch.tensor(values, dtype=torch.float32)[None, None, None]


def test_cosine_schedule_is_that_of_diffusers():
    # DDIMScheduler(100, beta_schedule="squaredcos_cap_v2").alphas_cumprod of diffusers 0.42.1, one step later here.
    theirs = {1: 0.99936873, 2: 0.99825251, 51: 0.47826457, 99: 0.00024286, 100: 2.4e-07}
    kept = cosine_schedule(100) ** 2
    assert kept[0] == 1
    assert {step: kept[step].item() for step in theirs} == pytest.approx(theirs, abs=2e-8, rel=1e-5)


def test_noise_is_added_as_by_diffusers():
    # add_noise and get_velocity at time step 30 of the same scheduler.
    clean, noise = chunks(0.5, -1.0, 0.25), chunks(0.1, 0.7, -1.3)
    made = diffusion().corrupt(clean, noise, torch.tensor([[0.305]]))
    assert made.noisy.flatten().tolist() == pytest.approx([0.48742694, -0.54700458, -0.39806038], abs=1e-6)
    assert made.target.flatten().tolist() == pytest.approx([-0.14971641, 1.09123135, -1.26255608], abs=1e-6)
    assert made.time.item() == pytest.approx(0.31)


@pytest.mark.parametrize(
    ("steps", "theirs"),
    [
        (1, [0.59848434, 0.91058487, 0.65266263]),
        (4, [0.37107128, 0.13614006, 1.45630109]),
        (10, [0.33379063, 0.05604040, 1.77032769]),
    ],
)
def test_ddim_goes_where_diffusers_goes(steps, theirs):
    """With prediction_type v_prediction, eta 0, trailing time steps, and ``0.5 sin(3x) - 0.01 t`` as the network."""
    sample = diffusion(steps).sample(
        lambda x, time: 0.5 * torch.sin(3 * x) - (time * 100 - 1) * 0.01, chunks(0.3, -1.1, 0.8)
    )
    assert sample.flatten().tolist() == pytest.approx(theirs, abs=1e-5)


MEAN, SPREAD = 0.4, 0.25


def flow_velocity(x, time):
    """What flow matching learns when actions are normal with ``MEAN`` and ``SPREAD`` (Gaussian conditioning)."""
    variance = (time * SPREAD) ** 2 + (1 - time) ** 2
    return MEAN + (time * SPREAD**2 - (1 - time)) / variance * (x - time * MEAN)


def diffusion_velocity(x, time):
    """The same for velocity prediction under the cosine schedule."""
    signal = cosine_schedule(100)[int((time * 100).round())]
    sigma = (1 - signal**2).sqrt()
    away = (x - signal * MEAN) / ((signal * SPREAD) ** 2 + sigma**2)
    return signal * sigma * away - sigma * (MEAN + signal * SPREAD**2 * away)


@pytest.mark.parametrize(("head", "velocity"), [(flow, flow_velocity), (diffusion, diffusion_velocity)])
def test_the_best_denoiser_turns_noise_into_the_actions_distribution(head, velocity):
    noise = chunks(-2.0, -0.5, 0.0, 1.0, 2.0)
    assert (head(100).sample(velocity, noise) - (MEAN + SPREAD * noise)).abs().max() < 0.03


def test_a_straight_path_takes_one_step():
    clean, noise = chunks(0.5, -1.0), chunks(0.1, 0.7)
    made = flow().corrupt(clean, noise, torch.tensor([[0.5]]))
    assert torch.allclose(noise + made.time * made.target, made.noisy)
    assert torch.allclose(flow(1).sample(lambda x, time: clean - noise, noise), clean)
    assert torch.allclose(flow(7).sample(lambda x, time: clean - noise, noise), clean)


def test_training_times_follow_the_beta_distribution_of_pi0():
    level = torch.linspace(0.0005, 0.9995, 1000)[None]
    time = flow().corrupt(torch.zeros(1, 1000, 1, 6), torch.zeros(1, 1000, 1, 6), level).time
    assert 0 <= time.min() < time.max() < 0.999
    assert time.mean().item() == pytest.approx(0.999 * (1 - 1.5 / 2.5), abs=1e-3)  # Beta(1.5, 1) has mean 0.6


@pytest.mark.parametrize("config", [FlowConfig, DiffusionConfig])
def test_a_choice_is_made_and_not_averaged(config):
    """Left closed or right open, as the demonstrators pleased: a sample is one of them whole, and confidence knows."""
    torch.manual_seed(0)
    head = config(width=32, num_layers=1, draws=8, samples=8).build(SPEC, chunk=2, width=4)
    free = torch.eye(4)[torch.arange(32) % 2][:, None, None]  # row 0 of the identity: both ways; row 1: always right
    right = (torch.arange(32) % 4 != 0).float()
    actions = (2 * right - 1)[:, None, None, None].expand(-1, 1, 2, 6).clone() * 0.5
    actions[..., 3] = right[:, None, None]
    given = Features(free, torch.ones(32, 1, dtype=torch.bool))
    optimizer = torch.optim.Adam(head.parameters(), 5e-3)
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 250)
    for _ in range(250):
        optimizer.zero_grad()
        head.loss(given, actions, torch.ones(32, 1, 2, dtype=torch.bool)).total.backward()
        optimizer.step()
        rate.step()
    head.eval()
    made = head.predict(given, head.draw([np.random.default_rng(seed) for seed in range(32)]))
    open_gripper, moves = made.actions[..., 3] > 0.5, made.actions[..., 0]
    assert ((moves > 0) == open_gripper).float().mean() > 0.95
    assert (moves.abs() > 0.25).float().mean() > 0.85
    assert open_gripper[1::2].all()
    assert 2 <= open_gripper[::2, 0].sum() <= 14
    assert made.confidence[1::2].mean() > made.confidence[::2].mean() + 0.2


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        (
            DiffusionConfig,
            {"sampling_steps": 11, "noise_steps": 10},
            "sampling_steps 11 is more than the noise_steps 10",
        ),
        (GPTConfig, {"width": 30}, "width 30 does not divide into 4 attention heads"),
        (FlowConfig, {"samples": 0}, "greater than or equal to 1"),
        (MLPConfig, {"width": 8}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work(config, settings, message):
    with pytest.raises(ValidationError, match=message):
        config(**settings)
