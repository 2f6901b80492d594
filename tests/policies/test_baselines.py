"""Policies without a VLM: CNN + GRU and the ACT-like transformer, beside CNN + FiLM."""

import dataclasses

import numpy as np
import pytest
import torch
from small_policies import CHUNK, seen, small, window

from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.policies.vla import VLA, VLAManifest


def predicted(network, batch):
    return network.head.predict(network.features(batch)).actions


KINDS = ("cnn", "cnn_gru", "act")
HISTORY = {"cnn": 1, "cnn_gru": 3, "act": 1}


def stacked(*batches):
    """Windows of different episodes in one batch."""
    offsets = np.cumsum([0] + [len(b.frame_id) for b in batches])[:-1]
    joined = {
        name: torch.cat([getattr(b, name) for b in batches])
        for name in ("frame_valid", "state", "actions", "action_mask", "dataset_id")
    }
    return dataclasses.replace(
        batches[0],
        images={name: torch.cat([b.images[name] for b in batches]) for name in batches[0].images},
        frame_id=torch.arange(sum(len(b.frame_id) for b in batches)),
        frame_index=torch.cat([b.frame_index + int(o) for b, o in zip(batches, offsets, strict=True)]),
        instructions=tuple(b.instructions[0] for b in batches),
        instruction_index=torch.arange(len(batches)),
        **joined,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_one_batch_is_soon_learned(kind):
    network = small(kind, history=HISTORY[kind]).network.train()
    torch.manual_seed(0)
    batch = stacked(*(window(e, range(HISTORY[kind]), HISTORY[kind], f"task {e}") for e in "abcd"))
    actions = torch.rand(batch.actions.shape) * 2 - 1
    actions[..., 2] = (actions[..., 2] > 0).float()
    batch = dataclasses.replace(batch, actions=actions)
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    first = network.loss(batch).total.item()
    for _ in range(150):
        optimizer.zero_grad()
        loss = network.loss(batch).total
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1 < first
    wrong = predicted(network, batch)[..., 2].round() != actions[:, -1, :, 2]
    assert not wrong.any()


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_sentence_state_and_every_camera_reach_the_action(kind):
    network, batch = small(kind, history=HISTORY[kind]).network, window("a", range(HISTORY[kind]), HISTORY[kind])
    plain = predicted(network, batch)
    dark = {name: {**batch.images, name: torch.zeros_like(image)} for name, image in batch.images.items()}
    others = [dataclasses.replace(batch, images=images) for images in dark.values()]
    others += [
        dataclasses.replace(batch, instructions=("shut the window",)),
        dataclasses.replace(batch, state=batch.state + 1),
    ]
    for other in others:
        assert (predicted(network, other) - plain).abs().max() > 1e-5


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_other_rows_and_shared_frames_never_change_an_answer(kind):
    network, history = small(kind, history=HISTORY[kind]).network, HISTORY[kind]
    a, b = window("a", range(history), history, "open"), window("b", range(history), history, "close it")
    together = predicted(network, stacked(a, b))
    alone = [predicted(network, batch)[0] for batch in (a, b)]
    assert (together - torch.stack(alone)).abs().max() <= 1e-5
    texts = ("open", "close it")
    shared = dataclasses.replace(stacked(a, a), images=a.images, frame_id=a.frame_id, instructions=texts)
    shared = dataclasses.replace(shared, frame_index=a.frame_index.repeat(2, 1))
    answers = predicted(network, shared)
    assert (answers[0] - alone[0]).abs().max() <= 1e-5
    assert (answers[1] - answers[0]).abs().max() > 1e-5


def test_a_shared_frame_is_encoded_once(monkeypatch):
    for kind in KINDS:
        network, rows = small(kind, history=HISTORY[kind]).network, []
        encoder = network.cameras["static"]
        encoder.register_forward_pre_hook(lambda module, inputs, rows=rows: rows.append(len(inputs[0])))
        network.features(window("a", range(2), 3))  # padding repeats the oldest
        assert rows == [2]


@torch.no_grad()
def test_the_gru_reads_no_padding_and_no_future():
    network = small("cnn_gru", history=6).network
    padded, plain = window("a", range(4), 6), window("a", range(4), 4)
    ours, theirs = (network.head.outputs(network.features(batch)) for batch in (padded, plain))
    for one, other in zip(ours, theirs, strict=True):
        assert (one[:, 2:] - other).abs().max() <= 1e-6
    later = {name: torch.cat([image[:3], 255 - image[3:]]) for name, image in plain.images.items()}
    changed = network.head.outputs(network.features(dataclasses.replace(plain, images=later)))
    for one, other in zip(changed, theirs, strict=True):
        assert (one[:, :3] - other[:, :3]).abs().max() <= 1e-6
        assert (one[:, 3] - other[:, 3]).abs().max() > 1e-5
    first = dataclasses.replace(plain, images={n: torch.cat([255 - i[:1], i[1:]]) for n, i in plain.images.items()})
    assert (predicted(network, first) - predicted(network, plain)).abs().max() > 0


def test_a_row_of_acts_chunk_is_read_from_its_own_query():
    network = small("act").network
    features = network.features(window("a", [0], 1))
    assert features.slots.shape == (1, 1, CHUNK, 16)
    moved = features.slots.clone()
    moved[:, :, 2] += 1
    before, after = (network.head.predict(dataclasses.replace(features, slots=s)) for s in (features.slots, moved))
    difference = after.actions - before.actions
    assert [bool(row.any()) for row in difference[0]] == [row == 2 for row in range(CHUNK)]


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_is_the_same_policy(kind, tmp_path):
    vla = small(kind, history=HISTORY[kind])
    vla.save_pretrained(tmp_path)
    policies = [made.policy("chunk:3", batch_size=2) for made in (vla, VLA.from_pretrained(tmp_path))]
    for policy in policies:
        policy.start("a", "open the drawer", seed=0)
    for step in range(7):
        one, other = (policy.act({"a": seen("a", step)})["a"].action for policy in policies)
        assert np.array_equal(one, other)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors", "action_statistics.json"}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"kind": "cnn", "architecture": {"history": 4}}, "cnn_gru"),
        ({"kind": "act", "architecture": {"history": 4}}, "cnn_gru"),
        ({"kind": "act", "architecture": {"width": 10, "num_heads": 4}}, "does not divide"),
        ({"kind": "cnn_gru", "architecture": {"history": 0}}, "history"),
        ({"kind": "act", "head": {"kind": "lstm"}}, "rowwise"),
    ],
)
def test_settings_that_cannot_work_are_refused(model, said):
    manifest = small("cnn").manifest.model_dump()
    with pytest.raises(UserError, match=said):
        validate(VLAManifest, {**manifest, "model": model})
