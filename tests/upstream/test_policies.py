"""Imported policies act as any other: padding, batches and streaming change nothing; errors are options."""

import dataclasses

import numpy as np
import pytest
import torch
from golden_kits import source
from published import INSTRUCTION, LONGER, config, write

from robovlms.core.batch import Batch
from robovlms.core.types import Observation
from robovlms.upstream.importing import read_policy

STRUCTURES = {
    "lstm": config(),
    "fc": config({"type": "FCDecoder", "latent": 2}),
    "pooled": config({"action_space": "down_sample", "down_sample": "pooling", "token_source": "text", "latent": 2}),
    "interleaved": config({"type": "FCDecoder", "history_type": "pre"}),
    "interleaved lstm": config({"history_type": "pre"}),
    "tokens": config({"type": "DiscreteDecoder", "action_space": "discrete", "n_bin": 64}, window_size=1),
}


FAMILIES = ("flamingo_mpt_1b", "flamingo_fc", "qwen_lstm", "qwen_pre")


@pytest.fixture(scope="module", params=[*STRUCTURES, *FAMILIES])
def vla(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    known = request.param in STRUCTURES
    return read_policy(write(folder, STRUCTURES[request.param]) if known else source(folder, request.param))


def frames(vla, count, seed=0):
    rng, size = np.random.default_rng(seed), vla.image_spec.size
    return {camera.name: rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
            for camera in vla.manifest.observation_spec.cameras}  # fmt: skip


def windows(vla, instructions=(INSTRUCTION, LONGER), valid=None):
    """Two windows of their own frames."""
    settings = vla.manifest.model.architecture
    shape = (2, settings.history)
    rng = np.random.default_rng(1)
    actions = rng.uniform(-1, 1, (*shape, settings.chunk, 7)).astype(np.float32)
    actions[..., 6] = actions[..., 6] > 0
    index = torch.arange(shape[0] * shape[1]).view(shape)
    return Batch(
        images={name: torch.from_numpy(images) for name, images in frames(vla, index.numel()).items()},
        frame_id=index.flatten(),
        frame_index=index,
        frame_valid=torch.ones(shape, dtype=torch.bool) if valid is None else valid,
        instructions=tuple(instructions),
        instruction_index=torch.arange(2),
        state=torch.zeros(*shape, 0),
        actions=torch.from_numpy(actions),
        action_mask=torch.ones(*shape, settings.chunk, dtype=torch.bool),
        dataset_id=torch.zeros(2, dtype=torch.long),
    )


def row(batch, number):
    parts = ("frame_index", "frame_valid", "state", "actions", "action_mask", "dataset_id", "instruction_index")
    chosen = {name: getattr(batch, name)[number : number + 1] for name in parts}
    return dataclasses.replace(
        batch, **chosen | {"instruction_index": torch.zeros(1, dtype=torch.long)},
        instructions=(batch.instructions[number],),
    )  # fmt: skip


@torch.no_grad()
def test_a_longer_text_in_the_batch_changes_nothing(vla):
    batch = windows(vla)
    both = vla.network.features(batch)
    for number in range(2):
        alone = vla.network.features(row(batch, number))
        assert (both.slots[number] - alone.slots[0]).abs().max() <= 1e-5


def play(vla, texts, steps, batch_size):
    policy = vla.policy("first", batch_size=batch_size)
    played = {text: [] for text in texts}
    for text in texts:
        policy.start(text, text, seed=0)
    for step in range(steps):
        seen = {text: Observation({name: images[0] for name, images in frames(vla, 1, seed=step).items()}, np.zeros(0))
                for text in texts}  # fmt: skip
        for text, decision in policy.act(seen).items():
            played[text].append(decision.plan.actions)
    return {text: np.stack(plans) for text, plans in played.items()}


def test_episodes_that_share_a_batch_change_nothing(vla):
    together, alone = play(vla, (INSTRUCTION, LONGER), 4, 2), play(vla, (LONGER,), 4, 1)
    assert np.abs(together[LONGER] - alone[LONGER]).max() <= 1e-5


@torch.no_grad()
@pytest.mark.parametrize("vla", [name for name in (*STRUCTURES, *FAMILIES) if name != "tokens"], indirect=True)
def test_acting_frame_by_frame_equals_the_window_of_the_last_frames(vla):
    history, steps = vla.manifest.model.architecture.history, 5
    streamed = play(vla, (INSTRUCTION,), steps, 1)[INSTRUCTION]
    pictures = [frames(vla, 1, seed=step) for step in range(steps)]
    images = {name: torch.from_numpy(np.concatenate([p[name] for p in pictures])) for name in pictures[0]}
    batch = row(windows(vla, (INSTRUCTION, INSTRUCTION)), 0)
    for now in range(steps):
        index = torch.arange(now - history + 1, now + 1)
        window = dataclasses.replace(
            batch, images=images, frame_id=torch.arange(steps), frame_index=index.clamp(min=0)[None],
            frame_valid=(index >= 0)[None],
        )  # fmt: skip
        planned = vla.network.head.predict(vla.network.features(window)).actions[0]
        assert np.abs(vla.normalizer().denormalize(planned.numpy()) - streamed[now]).max() <= 1e-5


def test_an_imported_policy_learns(vla):
    torch.manual_seed(0)  # of dropout
    batch = windows(vla)
    vla.network.eval()
    before = vla.loss(batch).total.item()
    optimizer = torch.optim.Adam(vla.network.train().parameters(), 3e-4)
    for _ in range(16):
        optimizer.zero_grad()
        vla.loss(batch).total.backward()
        optimizer.step()
    vla.network.eval()
    assert vla.loss(batch).total < 0.95 * before


@torch.no_grad()
def test_padding_that_counts_moves_the_shorter_text_only(tmp_path):
    batch = windows(right := read_policy(write(tmp_path, config())))
    same = read_policy(write(tmp_path, config(), parity=True))
    moved = (right.network.features(batch).slots - same.network.features(batch).slots).abs().amax(dim=(1, 2, 3))
    assert moved[0] > 1e-2  # the published code places and counts otherwise where a text is padded
    assert moved[1] <= 1e-5
    acting = [play(vla, (INSTRUCTION,), 3, 1)[INSTRUCTION] for vla in (right, same)]
    assert np.abs(acting[0] - acting[1]).max() <= 1e-5


@torch.no_grad()
def test_the_oldest_frames_plan_is_played_for_parity_only(tmp_path):
    settings = config({"type": "FCDecoder", "history_type": "pre"})
    right, same = read_policy(write(tmp_path, settings)), read_policy(write(tmp_path, settings, parity=True))
    newest, oldest = (play(vla, (INSTRUCTION,), 3, 1)[INSTRUCTION] for vla in (right, same))
    assert np.abs(newest[0] - oldest[0]).max() <= 1e-5
    assert np.abs(oldest[1] - newest[0]).max() <= 1e-5  # the first frame does not see the second
    assert np.abs(newest[1] - newest[0]).max() > 1e-3


@torch.no_grad()
def test_what_is_said_is_the_likeliest_when_told(tmp_path):
    vla = read_policy(write(tmp_path, STRUCTURES["tokens"]))
    batch = windows(vla)
    head = vla.network.head
    said = vla.network.act(batch).logits[:, 0].argmax(dim=-1)
    values = head.tokens.decode(said).float().unflatten(-1, (head.chunk, 7))
    told = dataclasses.replace(batch, actions=values[:, None])
    head.queries = lambda _: type(head).queries(head, None).__class__(action_ids=said[:, None])
    likeliest = vla.network.features(told).logits[:, 0, : head.num_tokens].argmax(dim=-1)
    assert torch.equal(likeliest, said)


@torch.no_grad()
def test_tokens_are_as_sure_as_they_are_likely(tmp_path):
    vla = read_policy(write(tmp_path, STRUCTURES["tokens"]))
    features = vla.network.act(windows(vla))
    sure = dataclasses.replace(features, logits=1000 * features.logits)
    even = dataclasses.replace(features, logits=torch.zeros_like(features.logits))
    head = vla.network.head
    assert torch.allclose(head.predict(sure).confidence, torch.ones(2, head.chunk))
    assert torch.allclose(head.predict(even).confidence, torch.full((2, head.chunk), 1 / features.logits.shape[-1]))


def test_bins_by_hand(tmp_path):
    """63 bins between 64 edges 2/63 apart; the highest value has an id of its own and decodes to the last bin."""
    head = read_policy(write(tmp_path, STRUCTURES["tokens"])).network.head
    base = head.tokens.base
    values = torch.tensor([-3.0, -1.0, -1 + 2.5 / 63, 0.0, 1.0, 3.0])
    assert (base - head.tokens.encode(values)).tolist() == [1, 1, 2, 32, 64, 64]
    centres = head.tokens.decode(head.tokens.encode(values))
    expected = [-62 / 63, -62 / 63, -60 / 63, 0.0, 62 / 63, 62 / 63]
    assert centres.tolist() == pytest.approx(expected, abs=1e-6)
