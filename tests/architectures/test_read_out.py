"""Heads and read-outs on a tiny VLM: each can learn one batch, and pooling counts tokens and never padding."""

import dataclasses

import numpy as np
import pytest
import torch
from test_policy_head import ACTION, CHUNK, HISTORY, OBSERVATION, windows

from robovlms.architectures.model import VLAConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.architectures.read_out import pooled
from robovlms.backbones.load import BackboneConfig
from robovlms.backbones.prompt import Layout, TokenKind
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.heads.lstm import LSTMConfig

TRANSFORMER = {"width": 32, "num_layers": 2, "num_attention_heads": 2}
SAMPLING = {**TRANSFORMER, "draws": 12}
HEADS = {
    "mlp": {"kind": "mlp", "hidden": 64},
    "lstm": {"kind": "lstm", "hidden": 64, "recurrent": 32},
    "gpt": {"kind": "gpt", "hidden": 64, **TRANSFORMER},
    "diffusion": {"kind": "diffusion", **SAMPLING},
    "flow": {"kind": "flow", **SAMPLING},
    "flow-memory": {"kind": "flow", "attends": "memory", **SAMPLING},
}


def build(path, head, history=HISTORY, **architecture):
    torch.manual_seed(0)
    settings = {"history": history, "chunk": CHUNK, "max_text_tokens": 40, "state_noise": 0.0, **architecture}
    backbone = {"path": str(path)}
    return validate(VLAConfig, {"backbone": backbone, "architecture": settings, "head": head}).build(
        ACTION, OBSERVATION
    )


def batch(history=HISTORY):
    """Labels that follow from frames, else no head could learn them."""
    full = windows()
    labels = torch.rand(3, CHUNK, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    labels[..., 2] = (labels[..., 2] > 0).float()
    last = {name: getattr(full, name)[:, -history:] for name in ("frame_index", "frame_valid", "state")}
    mask = last["frame_valid"][..., None].expand(-1, -1, CHUNK)
    return dataclasses.replace(full, actions=labels[last["frame_index"]], action_mask=mask, **last)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_learns_one_batch(name, tiny_paligemma):
    history = 1 if name == "flow-memory" else HISTORY
    network, given = build(tiny_paligemma, HEADS[name], history).train(), batch(history)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 150)
    for _ in range(150):
        optimizer.zero_grad()
        network(given).total.backward()
        optimizer.step()
        rate.step()
    network.eval()
    with torch.no_grad():
        noise = network.head.draw([np.random.default_rng(0), np.random.default_rng(1)])
        found = network.head.predict(network.features(given), noise).actions
    assert (found - given.actions[:, -1]).abs().mean() < 0.12
    assert ((found[..., 2] > 0.5) == (given.actions[:, -1, :, 2] > 0.5)).all()


def layout(kinds, valid):
    length = len(kinds)
    zeros = torch.zeros(length, dtype=torch.long)
    return Layout(torch.tensor([int(kind) for kind in kinds]), zeros, zeros, torch.zeros(length, 3).long(), valid)


def test_pooling_by_hand():
    kinds = [TokenKind.IMAGE, TokenKind.IMAGE, TokenKind.STATE, TokenKind.TEXT, TokenKind.TEXT]
    place = layout(kinds, torch.tensor([[True] * 5, [True, True, True, True, False]]))
    hidden = torch.tensor([[1.0, -2, 30, 4, 5], [1, -2, 30, 4, 500]])[..., None]
    expected = {
        ("pool_vision", "max"): [1, 1],
        ("pool_vision", "mean"): [-0.5, -0.5],
        ("pool_text", "max"): [5, 4],
        ("pool_text", "mean"): [4.5, 4],
        ("pool_all", "max"): [30, 30],
        ("pool_all", "mean"): [38 / 5, 33 / 4],
    }
    for (read, pool), values in expected.items():
        assert pooled(hidden, place, read, pool).flatten().tolist() == pytest.approx(values)


@torch.no_grad()
@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("read", ["pool_text", "pool_vision", "pool_all"])
def test_a_longer_sentence_beside_it_changes_no_pooled_answer(read, pool, tiny_paligemma):
    network = build(tiny_paligemma, HEADS["lstm"], read=read, pool=pool).train()
    given = batch()
    index = torch.arange(2)
    both = dataclasses.replace(given, instructions=("open", "shut the long drawer"), instruction_index=index)
    alone = dataclasses.replace(given, instructions=("open",))
    beside = network.features(both).slots[0]
    assert beside.shape == (HISTORY, 1, 24)
    assert (beside - network.features(alone).slots[0]).abs().max() <= 1e-5
    assert (network.eval().features(alone).slots[0] - beside).abs().max() <= 1e-5  # padded to max_text_tokens


def test_a_pooled_policy_trains_every_part(tiny_paligemma):
    """Pooled or read at slots, the same weights learn (not the VLM's own head, which nobody asks)."""
    learning = []
    for read in ("slots", "pool_all"):
        network = build(tiny_paligemma, HEADS["gpt"], read=read, pool="mean").train()
        network(batch()).total.backward()
        learning.append({name for name, p in network.named_parameters() if p.grad is not None})
    assert learning[0] - learning[1] == {"slot_vectors"}
    assert network.slot_vectors is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head": {"kind": "lstm", "num_slots": 4}, "architecture": {"read": "pool_all"}}, r"num_slots 4; set it to 1"),
        ({"head": {"kind": "flow", "attends": "memory"}, "architecture": {"history": 2}}, r"history 2; set it to 1"),
        ({"head": {"kind": "gpt", "width": 30}}, "width 30 does not divide"),
        ({"head": {"kind": "diffusion", "sampling_steps": 200}}, "noise_steps 100"),
        ({"head": {"kind": "flows"}}, "flow"),
        ({"architecture": {"history": 65}}, "64"),
        ({"architecture": {"read": "pool"}}, "pool_text"),
        ({"architecture": {"kind": "interleaved_continuous", "read": "pool_all"}}, "Choices: slots"),
    ],
)
def test_what_cannot_be_combined_is_refused_when_the_configuration_is_built(settings, message):
    with pytest.raises(UserError, match=message):
        validate(VLAConfig, settings)


@torch.no_grad()
def test_a_video_is_one_prompt_to_pool_or_to_remember(tiny_paligemma):
    head = {"kind": "flow", "attends": "memory", **SAMPLING}
    network = build(tiny_paligemma, head, kind="video_continuous", read="pool_vision").eval()
    features = network.features(batch())
    assert features.slots.shape == (2, 1, 1, 24)
    later = dataclasses.replace(features, memory=features.memory + 1)
    noise = network.head.draw([np.random.default_rng(0), np.random.default_rng(1)])
    plan, other = network.head.predict(features, noise).actions, network.head.predict(later, noise).actions
    assert (plan - other).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("family", "read", "message"),
    [("flamingo", "pool_vision", "images beside its sequence"), ("florence", "pool_text", "answers in a decoder")],
)
def test_families_that_have_no_such_tokens_say_so(family, read, message):
    model = VLAConfig(
        backbone=BackboneConfig(path=f"tiny:{family}"),
        architecture=PolicyHeadConfig(max_text_tokens=64, read=read),
        head=LSTMConfig(hidden=16, recurrent=8),
    )
    with pytest.raises(UserError, match=message):
        model.build(ACTION, OBSERVATION)
