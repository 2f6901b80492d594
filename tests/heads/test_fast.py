"""FAST tokens: a chunk comes back within the rounding of its transform, whatever was said means a chunk."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct

from robovlms.actions.fast import FastTokenizer, smooth_chunks
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.errors import CorruptData, UserError
from robovlms.heads.fast import FastConfig
from robovlms.heads.head import Features

ACTION = ActionSpec(
    components=(
        ActionComponent(name="delta", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)
CHUNK = 6


def head(**config):
    return FastConfig(**config).build(ACTION, CHUNK, 8)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 20), st.integers(1, 4), st.sampled_from([5.0, 10.0, 33.0]), st.integers(0, 2**32 - 1))
def test_a_chunk_comes_back_within_the_rounding(chunk, dims, scale, seed):
    tokenizer = FastTokenizer.fit(smooth_chunks(chunk, dims, 32), scale, 2048)
    chunks = np.random.default_rng(seed).uniform(-1, 1, (3, chunk, dims))
    back = tokenizer.decode(tokenizer.encode(chunks))
    assert np.abs(back - chunks).max() <= np.sqrt(chunk) / (2 * scale) + 1e-9
    assert np.sqrt(((back - chunks) ** 2).sum(axis=1)).max() <= np.sqrt(chunk) / (2 * scale) + 1e-9


def test_levels_are_the_rounded_transform():
    chunks = np.random.default_rng(0).uniform(-1, 1, (2, CHUNK, 3))
    tokenizer = FastTokenizer.fit(smooth_chunks(CHUNK, 3), 10.0, 255)
    assert np.array_equal(tokenizer.levels(chunks), np.rint(10 * dct(chunks, axis=1, norm="ortho")))


def test_smooth_chunks_take_fewer_tokens_than_numbers():
    tokenizer = FastTokenizer.fit(smooth_chunks(16, 7), 10.0, 512)
    lengths = [len(ids) for ids in tokenizer.encode(smooth_chunks(16, 7, 64))]
    assert np.mean(lengths) < 16 * 7 / 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=60))
def test_any_answer_means_a_chunk(ids):
    tokenizer = FastTokenizer.fit(smooth_chunks(CHUNK, 3), 10.0, 255)
    decoded = tokenizer.decode([ids])
    assert decoded.shape == (1, CHUNK, 3)
    assert np.isfinite(decoded).all()


def test_fitting_is_the_same_every_time_and_follows_the_data():
    rng = np.random.default_rng(0)
    chunks = np.repeat(rng.choice([-0.5, 0.5], (500, 1, 3)), CHUNK, axis=1)
    one, other = (FastTokenizer.fit(chunks, 10.0, 255) for _ in range(2))
    assert one.pairs.to_str() == other.pairs.to_str()
    untrained = FastTokenizer.fit(smooth_chunks(CHUNK, 3), 10.0, 255)
    assert len(one.encode(chunks[:1])[0]) < len(untrained.encode(chunks[:1])[0])


def test_too_few_tokens_for_the_coefficients_are_refused():
    with pytest.raises(UserError, match=r"head\.vocabulary is 20.*Raise the vocabulary"):
        head(vocabulary=20)


def test_an_answer_ends_and_what_follows_counts_nothing():
    fast = head()
    actions = torch.rand(4, 1, CHUNK, 3) * 2 - 1
    actions[..., 2] = (actions[..., 2] > 0).float()
    mask = torch.ones(4, 1, CHUNK, dtype=torch.bool)
    mask[1, :, 2:] = False
    mask[2] = False
    right = fast.answers(actions, mask)
    assert not right.counts[2].any()
    for row in (0, 1, 3):
        said, counts = right.classes[row, 0], right.counts[row, 0]
        assert (said[counts][:-1] != fast.end).all()
        assert said[counts][-1] == fast.end
    garbage = right.classes.clone()
    garbage[~right.counts] = 3
    means = [
        fast.meant(classes[:, 0], torch.zeros(classes.shape[0], classes.shape[2]))
        for classes in (right.classes, garbage)
    ]
    kept = [0, 1, 3]
    assert torch.equal(means[0].actions[kept], means[1].actions[kept])
    gap = (means[0].actions[:, :, :2] - actions[:, 0, :, :2]).abs()
    assert gap[[0, 3]].max() <= CHUNK**0.5 / 20 + 1e-6
    assert gap[1, :2].max() <= CHUNK**0.5 / 20 + 1e-6
    assert torch.equal(means[0].actions[[0, 3], :, 2], actions[[0, 3], 0, :, 2])


def test_confidence_is_the_mean_likelihood_until_the_end():
    fast = head()
    logits = torch.zeros(1, 1, 5, fast.num_classes)
    logits[0, 0, 0, 3] = logits[0, 0, 1, fast.end] = 50.0
    features = Features(torch.zeros(1, 1, 1, 8), torch.ones(1, 1, dtype=torch.bool), logits=logits)
    assert torch.allclose(fast.predict(features).confidence, torch.ones(1, CHUNK))
    unsure = dataclasses.replace(features, logits=logits * 0)
    assert fast.predict(unsure).confidence.max() < 0.01


def test_a_checkpoint_keeps_what_was_fitted(tmp_path):
    fitted, again = head(), head()
    chunks = torch.rand(200, CHUNK, 3) * 0.2
    fitted.fit(chunks, torch.ones(200, CHUNK, dtype=torch.bool))
    fitted.save(tmp_path)
    again.load(tmp_path)
    assert again.tokenizer.pairs.to_str() == fitted.tokenizer.pairs.to_str()
    with pytest.raises(CorruptData, match="chunk, dims, scale"):
        head(scale=5.0).load(tmp_path)


@pytest.mark.parametrize("content", [None, "{", json.dumps({"chunk": 6}), json.dumps({"byte_pairs": 3, "chunk": 1})])
def test_a_missing_or_damaged_tokenizer_is_named(content, tmp_path):
    if content is not None:
        (tmp_path / "fast_tokenizer.json").write_text(content)
    with pytest.raises(UserError, match="fast_tokenizer"):
        head().load(tmp_path)
