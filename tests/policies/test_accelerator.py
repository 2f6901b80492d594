"""On an accelerator policies learn and act as on the CPU, the reference: `make gpu`."""

import copy

import numpy as np
import pytest
import torch
from test_grid import BASES, BUILT, USUAL, create, observed, planned, together, window

from robovlms.backbones.load import FAMILIES

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator here")]
SENTENCE = "open drawer"
TOLERANCE = 2e-3
"""Float32 on both sides; kernels sum in another order, and sampling heads pass through their network ten times."""
CELLS = [(*cell, family) for cell in BUILT for family in BASES]
CELLS += [(*cell, one.id) for cell in sorted(USUAL) for one in FAMILIES if one.id not in BASES]


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """Convolutions in float32, which are in TensorFloat-32 otherwise."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def both(structure, head, family):
    """The same policy on the CPU and on the accelerator."""
    vla = create(structure, head, family)
    for module in vla.network.modules():
        module.training = isinstance(module, torch.nn.RNNBase)  # cuDNN's have no backward pass otherwise
    other = copy.deepcopy(vla)
    other.network.to("cuda")
    return vla, other


def learnt(network, batch):
    """The loss of a batch and how its gradient points, by parameter."""
    loss = network.loss(batch).total
    loss.backward()
    gradients = {name: p.grad.cpu() for name, p in network.named_parameters() if p.grad is not None}
    return loss.item(), gradients


@pytest.mark.parametrize(("structure", "head", "family"), CELLS)
def test_losses_and_gradients_are_those_of_the_cpu(structure, head, family):
    vla, other = both(structure, head, family)
    if head in ("diffusion", "flow"):
        pytest.skip("each device draws its own noise")
    batch = together(window(vla, "a", 0, 4, SENTENCE), window(vla, "b", 3, 4, "shut drawer"))
    expected, wanted = learnt(vla.network, batch)
    loss, gradients = learnt(other.network, batch.to("cuda"))
    assert loss == pytest.approx(expected, rel=TOLERANCE)
    assert gradients.keys() == wanted.keys()
    scale = max(gradient.abs().max() for gradient in wanted.values())
    worst = max((gradients[name] - wanted[name]).abs().max() for name in wanted)
    assert worst <= 5 * TOLERANCE * scale


@pytest.mark.parametrize(("structure", "head", "family"), CELLS)
def test_actions_are_those_of_the_cpu(structure, head, family):
    policies = [vla.policy("first", batch_size=2) for vla in both(structure, head, family)]
    for policy in policies:
        policy.start("a", SENTENCE, seed=0)
        policy.start("b", "push the block", seed=1)
    for step in range(4):
        seen = {episode: observed(policies[0].vla, episode, step) for episode in "ab"}
        here, there = (policy.act(seen) for policy in policies)
        for episode in seen:
            difference = np.abs(here[episode].plan.actions - there[episode].plan.actions)
            if head in ("tokens", "fast"):  # a tie between two tokens may fall otherwise
                assert (difference <= TOLERANCE).mean() > 0.5
            else:
                assert difference.max() <= TOLERANCE


@torch.no_grad()
def test_bfloat16_stays_near_float32():
    vla = create("one_step_continuous", "mlp", "kosmos")
    batch = window(vla, "a", 4, 4, SENTENCE)
    expected = planned(vla, batch, np.random.default_rng(0))
    vla.network.backbone.in_bfloat16 = True
    vla.network.to("cuda")
    found = planned(vla, batch.to("cuda"), np.random.default_rng(0)).cpu()
    assert 0 < (found - expected).abs().max() < 0.05 * expected.abs().max()
