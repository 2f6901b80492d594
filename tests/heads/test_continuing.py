"""Sampling heads continue a running plan: guided where there is one, as ever where there is none."""

import pytest
import torch

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.heads.diffusion import DiffusionConfig
from robovlms.heads.flow import FlowConfig
from robovlms.heads.head import Features
from robovlms.heads.inpainting import RunningPlan

SPEC = ActionSpec(
    components=(
        ActionComponent(name="position", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)
CHUNK = 6


@pytest.fixture(params=[FlowConfig, DiffusionConfig], ids=["flow", "diffusion"], scope="module")
def trained(request):
    """A head that has learned to go either all one way or all the other, whatever it sees."""
    torch.manual_seed(0)
    config = request.param(width=32, num_layers=2, samples=1, sampling_steps=10, draws=8)
    head = config.build(SPEC, CHUNK, 4)
    optimizer = torch.optim.Adam(head.parameters(), 3e-3)
    features = Features(torch.zeros(16, 1, 1, 4), torch.ones(16, 1, dtype=torch.bool))
    ways = torch.where(torch.arange(16) % 2 == 0, 1.0, -1.0)[:, None, None, None].expand(16, 1, CHUNK, 3).clone()
    ways[..., 2] = (ways[..., 2] > 0).float()
    for _ in range(250):
        optimizer.zero_grad()
        head.loss(features, ways, torch.ones(16, 1, CHUNK, dtype=torch.bool)).total.backward()
        optimizer.step()
    return head.eval()


def features(rows):
    return Features(torch.zeros(rows, 1, 1, 4), torch.ones(rows, 1, dtype=torch.bool))


@torch.no_grad()
def test_a_plan_is_continued_its_own_way(trained):
    noise = torch.randn(64, 1, CHUNK, 3, generator=torch.Generator().manual_seed(0))
    free = trained.predict(features(64), noise).actions
    right = RunningPlan(torch.ones(64, CHUNK, 3), torch.full((64,), 4), torch.full((64,), 2))
    continued = trained.predict(features(64), noise, plan=right).actions
    ways = [(chunk[:, 4:, 0].mean(dim=1) > 0).float().mean() for chunk in (free, continued)]
    assert 0.25 < ways[0] < 0.75
    assert ways[1] > 0.9
    assert (continued[..., 2] > 0.5).float().mean() > 0.9


@torch.no_grad()
def test_without_a_running_plan_nothing_changes(trained):
    noise = torch.randn(3, 1, CHUNK, 3, generator=torch.Generator().manual_seed(1))
    none = RunningPlan(torch.zeros(3, CHUNK, 3), torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.long))
    free, same = trained.predict(features(3), noise), trained.predict(features(3), noise, plan=none)
    assert (free.actions - same.actions).abs().max() <= 1e-5
