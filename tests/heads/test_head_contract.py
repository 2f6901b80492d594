"""What every continuous head keeps: masks, padding, order of rows, causality, its own noise."""

import dataclasses

import numpy as np
import pytest
import torch
from test_heads import SPEC

from robovlms.heads.diffusion import DiffusionConfig
from robovlms.heads.flow import FlowConfig
from robovlms.heads.gpt import GPTConfig
from robovlms.heads.head import Features
from robovlms.heads.lstm import LSTMConfig
from robovlms.heads.mlp import MLPConfig

B, T, M, D, E, K, A = 3, 4, 2, 8, 5, 5, 6
SMALL = {"num_slots": M, "width": 32, "num_layers": 2, "num_attention_heads": 2}
CONFIGS = {
    "mlp": MLPConfig(num_slots=M, hidden=32),
    "lstm": LSTMConfig(num_slots=M, hidden=32, recurrent=16),
    "gpt": GPTConfig(**SMALL, hidden=32),
    "diffusion": DiffusionConfig(**SMALL, draws=2),
    "flow": FlowConfig(**SMALL, draws=2),
    "flow-memory": FlowConfig(**SMALL, attends="memory"),
}
WINDOWED = ["lstm", "gpt", "diffusion", "flow"]
SAMPLING = ["diffusion", "flow", "flow-memory"]


@pytest.fixture(params=CONFIGS)
def name(request):
    return request.param


def build(name, **changes):
    torch.manual_seed(1)
    return CONFIGS[name].model_copy(update=changes).build(SPEC, K, D, E).eval()


def features(t=T, valid=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    valid = torch.ones(B, t, dtype=torch.bool) if valid is None else valid
    memory_mask = torch.arange(7) < torch.tensor([7, 5, 3])[:, None]
    return Features(draw(B, t, M, D), valid, draw(B, t, E), draw(B, 7, D), memory_mask)


def labels(seed=0):
    actions = torch.rand(B, T, K, A, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    actions[..., 3] = (actions[..., 3] > 0).float()
    return actions


def everything():
    return torch.ones(B, T, K, dtype=torch.bool)


def noise(head, seeds=range(B)):
    return head.draw([np.random.default_rng(seed) for seed in seeds])


def changed(given, **at):
    """The same features with other numbers where a mask says so."""
    new = {key: torch.where(mask, getattr(given, key) + 3, getattr(given, key)) for key, mask in at.items()}
    return dataclasses.replace(given, **new)


def test_no_valid_action_gives_zero_and_finite_gradients(name):
    head = build(name).train()
    losses = head.loss(features(), labels(), torch.zeros(B, T, K, dtype=torch.bool))
    losses.total.backward()
    assert losses.total.item() == 0
    assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)


def test_masked_actions_count_nothing(name):
    head, mask, actions = build(name), everything(), labels()
    mask[0, :, 2:] = False
    mask[1, 1] = False
    for junk in (torch.nan, 0.7):
        other = torch.where(mask[..., None], actions, torch.tensor(junk))
        assert head.loss(features(), other, mask).total == head.loss(features(), actions, mask).total
    assert head.loss(features(), other, everything()).total != head.loss(features(), actions, everything()).total


def test_what_stands_in_padding_never_counts(name):
    head = build(name)
    given = features(valid=torch.tensor([[False, False, True, True], [False, True, True, True], [True] * 4]))
    padding = ~given.valid
    other = changed(
        given, slots=padding[..., None, None], state=padding[..., None], memory=~given.memory_mask[..., None]
    )
    ours, theirs = head.predict(given, noise(head)), head.predict(other, noise(head))
    assert torch.equal(ours.actions, theirs.actions)
    mask = everything() & given.valid[..., None]
    assert torch.equal(head.loss(given, labels(), mask).total, head.loss(other, labels(), mask).total)


def test_a_padded_window_answers_as_its_frames_alone(name):
    head = build(name)
    valid = torch.tensor([[False, False, True, True]] * B)
    given = features(valid=valid)
    short = dataclasses.replace(given, slots=given.slots[:, 2:], valid=valid[:, 2:], state=given.state[:, 2:])
    padded, alone = head.predict(given, noise(head)).actions, head.predict(short, noise(head)).actions
    assert (padded - alone).abs().max() <= 1e-5


def test_rows_do_not_see_each_other(name):
    head, order = build(name), torch.tensor([2, 0, 1])
    given = features()
    values = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    moved = Features(**{name: value if value is None else value[order] for name, value in values.items()})
    ours = head.predict(given, noise(head)).actions[order]
    assert (head.predict(moved, noise(head, order.tolist())).actions - ours).abs().max() <= 1e-6


@pytest.mark.parametrize("step", [0, 2])
def test_no_answer_depends_on_a_later_frame(name, step):
    head, given = build(name), features()
    given.slots.requires_grad_()
    given.state.requires_grad_()
    mask = everything()
    mask[:, :step] = mask[:, step + 1 :] = False
    head.loss(given, labels(), mask).total.backward()
    for gradient in (given.slots.grad, given.state.grad):
        assert (gradient[:, step + 1 :] == 0).all()
        assert (gradient[:, step] != 0).any()
        assert (gradient[:, :step] != 0).any() == (step > 0 and name in (*WINDOWED, "flow-memory"))


@pytest.mark.parametrize("name", SAMPLING)
def test_noise_alone_decides_between_answers(name):
    head = build(name)
    one = head.predict(features(), noise(head))
    again, other = head.predict(features(), noise(head)), head.predict(features(), noise(head, [7, 8, 9]))
    assert torch.equal(one.actions, again.actions)
    assert (one.actions - other.actions).abs().amax(dim=(1, 2)).min() > 1e-3


@pytest.mark.parametrize("name", SAMPLING)
def test_confidence_is_how_far_samples_agree(name):
    head = build(name)
    sure = head.predict(features(), noise(head)).confidence
    assert sure.shape == (B, K)
    assert ((sure > 0) & (sure < 1)).all()
    same = noise(head)[:, :1].expand(-1, head.config.samples, -1, -1)
    assert torch.equal(head.predict(features(), same).confidence, torch.ones(B, K))
    alone = build(name, samples=1)
    assert alone.predict(features(), noise(alone)).confidence is None


@pytest.mark.parametrize("name", SAMPLING)
def test_how_many_samples_are_drawn_changes_no_action(name):
    many, one = build(name), build(name, samples=1)
    same = noise(many)
    alone = one.predict(features(), same[:, :1]).actions
    assert (many.predict(features(), same).actions - alone).abs().max() <= 1e-6


def test_a_row_without_a_generator_draws_nothing():
    head = build("flow")
    generator = np.random.default_rng(0)
    drawn = head.draw([None, generator, None])
    assert not drawn[0].any()
    assert np.array_equal(drawn[1], np.random.default_rng(0).standard_normal(head.noise_shape, np.float32))
    assert build("mlp").draw([generator]) is None
