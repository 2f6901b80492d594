import itertools

import numpy as np
import pytest
import torch

from robovlms.actions.normalize import Normalizer
from robovlms.core.errors import UserError
from robovlms.data.augment import AugmentConfig
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.loader import Loader
from robovlms.data.sources import LeRobotConfig
from robovlms.data.stats import action_statistics, state_statistics
from robovlms.data.store.build import build_store, open_sources
from robovlms.data.window import WindowConfig


@pytest.fixture
def store(tmp_path, action_spec, observation_spec, make_episode):
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        for seed in range(8):
            writer.add(make_episode(seed, length=3 + seed))
    return build_store(open_sources([LeRobotConfig(path=tmp_path / "set", holdout=0.25)]))


@pytest.fixture
def make_loader(store):
    def make(episodes=None, **options):
        normalizers = {name: Normalizer(store.action_spec, s) for name, s in action_statistics(store).items()}
        defaults = {"window": WindowConfig(history=3, chunk=4), "batch_size": 8, "normalizers": normalizers}
        return Loader(store, store.training_episodes if episodes is None else episodes, **(defaults | options))

    return make


def equal(a, b):
    fields = ("frame_id", "frame_index", "frame_valid", "instruction_index", "state", "actions", "action_mask")
    same = all(torch.equal(getattr(a, name), getattr(b, name)) for name in fields)
    return same and all(torch.equal(a.images[c], b.images[c]) for c in a.images) and a.instructions == b.instructions


def samples(batch):
    """Each window of a batch as plain values, with its pixels."""
    found = []
    for i in range(len(batch)):
        pixels = [batch.images[c][batch.frame_index[i]].numpy().tobytes() for c in batch.images]
        numbers = [batch.state[i], batch.actions[i], batch.action_mask[i], batch.frame_valid[i]]
        sentence = batch.instructions[batch.instruction_index[i]]
        found.append((sentence, *pixels, *(n.numpy().tobytes() for n in numbers)))
    return found


def test_a_batch_holds_what_the_store_holds(store, make_loader, make_episode):
    batch = make_loader(batch_size=16).batch(3)
    assert len(batch.frame_id.unique()) == len(batch.frame_id)  # each distinct frame once
    normalizer = Normalizer(store.action_spec, action_statistics(store)["set"])
    for i, step in itertools.product(range(16), range(3)):
        frame = int(batch.frame_id[batch.frame_index[i, step]])
        episode_id = int(np.searchsorted(store.episodes.starts, frame, side="right") - 1)
        episode = make_episode(episode_id, length=3 + episode_id)
        row = frame - store.episodes.starts[episode_id]
        assert batch.instructions[batch.instruction_index[i]] == episode.instruction
        np.testing.assert_array_equal(batch.images["static"][batch.frame_index[i, step]], episode.images["static"][row])
        np.testing.assert_array_equal(batch.state[i, step], episode.state[row])
        valid = batch.action_mask[i, step].numpy()
        assert valid.sum() == (min(4, len(episode) - row) if batch.frame_valid[i, step] else 0)
        back = normalizer.denormalize(batch.actions[i, step])[valid]
        np.testing.assert_allclose(back, episode.actions[row : row + valid.sum()], atol=1e-6)
        assert not batch.actions[i, step][~valid].any()


def test_an_epoch_sees_every_window_once(store, make_loader):
    loader = make_loader(batch_size=5)
    assert len(loader) == store.episodes.lengths[store.training_episodes].sum()
    ends = [
        int(batch.frame_id[batch.frame_index[i, -1]])
        for batch in (loader.batch(n) for n in range(loader.batches_per_epoch))
        for i in range(len(batch))
    ]
    assert sorted(ends[: len(loader)]) == sorted(store.frames_of(store.training_episodes))


def test_batch_i_is_a_pure_function_of_seed_and_i(make_loader):
    options = {"augment": AugmentConfig(shift_px=2, brightness=0.1), "seed": 5}
    one, other = make_loader(**options), make_loader(**options)
    for index in (40, 3, 0, 3):
        assert equal(one.batch(index), other.batch(index))
    assert not equal(one.batch(0), one.batch(1))
    assert not equal(one.batch(0), make_loader(**(options | {"seed": 6})).batch(0))


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_share_the_samples_of_one_process(make_loader, world_size):
    loader = make_loader(augment=AugmentConfig(shift_px=2, saturation=0.2))
    whole = samples(loader.batch(7))
    for rank in range(world_size):
        assert samples(loader.batch(7, rank, world_size)) == whole[rank::world_size]
    with pytest.raises(UserError, match="does not divide over 3"):
        loader.batch(0, 0, 3)


def test_a_stream_starts_anywhere(make_loader):
    loader = make_loader()
    for number, batch in zip(range(6, 12), loader.stream(6), strict=False):
        assert equal(batch, loader.batch(number))


@pytest.fixture
def mixed(tmp_path, action_spec, observation_spec, make_episode):
    """Two data sets, 30 windows and 60, drawn three to one."""
    for name, seeds in (("few", range(3)), ("many", range(10, 16))):
        with LeRobotWriter(tmp_path / name, action_spec, observation_spec, 10) as writer:
            for seed in seeds:
                writer.add(make_episode(seed, length=10, instruction=name))
    configs = [LeRobotConfig(path=tmp_path / name, holdout=0) for name in ("few", "many")]
    store = build_store(open_sources(configs))
    normalizers = {name: Normalizer(store.action_spec, s) for name, s in action_statistics(store).items()}

    def make():
        window = WindowConfig(history=3, chunk=4)
        return Loader(store, store.training_episodes, window, 12, normalizers, seed=7, weights=(3, 1))

    return make


def test_weights_decide_how_often_a_data_set_is_drawn(mixed):
    loader = mixed()
    drawn = [loader.batch(number) for number in range(2 * 90 // 12)]
    names = [batch.instructions[i] for batch in drawn for i in batch.instruction_index]
    assert names.count("few") / len(names) == pytest.approx(0.75, abs=0.01)


def test_a_mixture_is_the_same_for_any_ranks_and_from_any_batch_on(mixed):
    whole = [samples(batch) for batch, _ in zip(mixed().stream(), range(9), strict=False)]
    resumed = [samples(batch) for batch, _ in zip(mixed().stream(4), range(5), strict=False)]
    assert resumed == whole[4:]
    for world_size in (2, 3):
        shares = [mixed().stream(2, rank, world_size) for rank in range(world_size)]
        for index in range(2, 6):
            taken = [samples(next(share)) for share in shares]
            assert [taken[i % world_size][i // world_size] for i in range(12)] == whole[index]


def test_heldout_in_order_without_augmentation(store, make_loader):
    loader = make_loader(store.heldout_episodes, shuffle=False, batch_size=4)
    rows = store.frames_of(store.heldout_episodes)
    batch = loader.batch(0)
    assert batch.frame_id[batch.frame_index[:, -1]].tolist() == rows[:4].tolist()


def test_tiled_windows_change_phase(make_loader):
    loader = make_loader(window=WindowConfig(history=3, chunk=4, step=3), batch_size=1)
    assert len(loader) < len(make_loader()) * 0.6
    first, second = (
        {int(b.frame_id[b.frame_index[0, -1]]) for b in (loader.batch(e * len(loader) + i) for i in range(len(loader)))}
        for e in (0, 1)
    )
    assert first != second


def test_statistics_use_training_episodes_only(store):
    rows = store.frames_of(store.training_episodes)
    statistics = action_statistics(store)["set"]
    assert statistics.count == len(rows) < len(store)
    np.testing.assert_allclose(statistics.mean, store.actions[rows].mean(0), atol=1e-6)
    np.testing.assert_allclose(state_statistics(store).max, store.state[rows].max(0))


def test_bad_input(store, make_loader):
    with pytest.raises(UserError, match="no episode to load"):
        make_loader([])
    with pytest.raises(UserError, match=r"No action statistics for \['set'\]"):
        make_loader(normalizers={})
