"""A stream that answers in words says what one forward over the whole episode says, and what training asks for."""

import numpy as np
import pytest
import torch
from test_stream import CHUNK, FAMILIES, REFUSED, create, seen, whole

from robovlms.core.errors import UserError
from robovlms.policies.vla import VLA

DISCRETE = {"kind": "interleaved_discrete"}
HEAD = {"kind": "tokens", "num_bins": 16}


def played(vla, last, others=()):
    """Plans of episode ``a`` at each step, in units of actions, beside others that begin later."""
    policy, plans = vla.policy("first", batch_size=2), []
    for step in range(last):
        for name in ("a", *others):
            if step == (0 if name == "a" else 2):
                policy.start(name, "open drawer", seed=0)
        playing = [name for name in ("a", *others) if name == "a" or step >= 2]
        plans.append(policy.act({name: seen(vla, name, step) for name in playing})["a"].plan.actions)
    return plans


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_a_stream_says_what_one_forward_over_the_episode_says(family):
    vla = create(family, head=HEAD, **DISCRETE)
    for step, plan in enumerate(played(vla, 6, others="b")):
        expected = vla.network.plan(whole(vla, "a", range(step + 1), "open drawer")).actions[0]
        assert np.abs(plan - vla.normalizer().denormalize(expected.numpy())).max() <= 1e-5, step


@torch.no_grad()
@pytest.mark.parametrize("family", ["paligemma", "qwen_vl"])
def test_training_asks_at_every_step_for_what_the_stream_says(family, monkeypatch):
    """Told all answers of an episode, each step's likeliest tokens are those it said when it saw none of them."""
    vla = create(family, head=HEAD, **DISCRETE)
    policy, said = vla.policy("first", batch_size=1), []
    policy.start("a", "open drawer", seed=0)
    for step in range(6):
        policy.act({"a": seen(vla, "a", step)})
        said.append(policy._running["a"].frames[step].logits[0, 0].argmax(dim=-1))
    monkeypatch.setattr(vla.network, "right", lambda _: torch.stack(said)[None])
    logits = vla.network.features(whole(vla, "a", range(6), "open drawer")).logits
    assert logits.shape[:3] == (1, 6, CHUNK * 3)
    assert (logits[0].argmax(dim=-1) == torch.stack(said)).all()
    assert len(torch.stack(said).unique(dim=0)) > 1, "the steps say different things"


def test_fast_tokens_stream_too():
    vla = create("paligemma", head={"kind": "fast"}, **DISCRETE)
    vla.network.head.fit(torch.rand(64, CHUNK, 3), torch.ones(64, CHUNK, dtype=torch.bool))
    with torch.no_grad():
        expected = vla.network.plan(whole(vla, "a", range(4), "open drawer")).actions[0].numpy()
    assert np.abs(played(vla, 4)[-1] - vla.normalizer().denormalize(expected)).max() <= 1e-5


def test_it_learns_and_comes_back_from_its_checkpoint(tmp_path):
    vla = create("qwen_vl", head=HEAD, **DISCRETE)
    vla.network.train().loss(whole(vla, "a", range(4), "open drawer")).total.backward()
    assert vla.network.slot_vectors.grad.abs().max() > 0
    vla.network.eval()
    vla.save_pretrained(tmp_path)
    assert np.array_equal(played(VLA.from_pretrained(tmp_path), 5), played(vla, 5))


@pytest.mark.parametrize("family", sorted(REFUSED))
def test_families_that_cannot_are_refused(family):
    with pytest.raises(UserError, match=r"architecture\.streaming"):
        create(family, head=HEAD, **DISCRETE)
