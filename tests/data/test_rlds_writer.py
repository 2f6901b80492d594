"""What we write as RLDS comes back the same, is whole or absent, and has the bytes that TensorFlow would write."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tfds_folder import example, frame

from robovlms.core.errors import CorruptData, UserError
from robovlms.data.oxe.dataset import OXEDataset
from robovlms.data.rlds.folder import RLDSDataset
from robovlms.data.rlds.tfrecord import record_places
from robovlms.data.rlds.tfrecord_write import framed, serialize_example
from robovlms.data.rlds.writer import RLDSWriter
from robovlms.data.sources import RLDSConfig
from robovlms.data.store.build import build_store, open_sources

EMPTY = {"images": {}, "state": np.zeros((0, 4), np.float32), "actions": np.zeros((0, 7), np.float32)}


@pytest.fixture
def write(tmp_path, action_spec, observation_spec, make_episode):
    def write(episodes=(0, 1, 2), name="set", **options):
        with RLDSWriter(tmp_path / name, action_spec, observation_spec, **options) as writer:
            for seed in episodes:
                writer.add(make_episode(seed) if isinstance(seed, int) else seed)
        return tmp_path / name

    return write


def test_episodes_come_back(write, make_episode, action_spec, observation_spec):
    source = RLDSConfig(path=write()).open()
    assert (source.action_spec, source.observation_spec) == (action_spec, observation_spec)
    assert source.lengths() == [6, 6, 6]
    for index in range(3):
        wrote, read = make_episode(index), source.read(index)
        for camera in ("static", "wrist"):
            np.testing.assert_array_equal(read.images[camera], wrote.images[camera])
        np.testing.assert_array_equal(read.actions, wrote.actions)
        np.testing.assert_array_equal(read.state, wrote.state)
        assert (read.instruction, read.task) == (wrote.instruction, wrote.task)
        assert read.info == dict(wrote.info) | {"record": index}
        assert source.source_of(index) == wrote.info["source"]


def test_jpeg_is_close(write, make_episode):
    flat = replace(make_episode(0), images={n: np.full_like(i, 90) for n, i in make_episode(0).images.items()})
    episode = OXEDataset(write([flat], image_format="jpeg")).read(0)
    assert np.abs(episode.images["static"].astype(int) - 90).max() <= 2


def test_shards_and_descriptions(write):
    path = write(range(5), shard_mb=0.01, name="robot_data/1.0.0")
    info = json.loads((path / "dataset_info.json").read_text())
    files = sorted(path.glob("robovlms-train.tfrecord-*"))
    assert [file.name for file in files] == [f"robovlms-train.tfrecord-{i:05d}-of-{len(files):05d}" for i in range(5)]
    assert info["splits"][0]["shardLengths"] == [str(len(record_places(file))) for file in files] == ["1"] * 5
    assert info["splits"][0]["numBytes"] == str(sum(file.stat().st_size for file in files))
    assert not list(path.glob("*.part"))
    record = RLDSDataset(path).read(4)
    assert record["steps/is_first"].tolist() == [True] + [False] * 5
    assert record["steps/is_last"].tolist() == record["steps/is_terminal"].tolist() == [False] * 5 + [True]
    assert record["steps/reward"].tolist() == [0, 0, 0, 0, 0, 1]


def test_the_same_episodes_give_the_same_bytes(write):
    one, other = write(name="one"), write(name="other")
    assert [file.name for file in sorted(one.iterdir())] == [file.name for file in sorted(other.iterdir())]
    assert all(file.read_bytes() == (other / file.name).read_bytes() for file in one.iterdir())


def test_bytes_are_those_of_the_format():
    numbers = {"b": np.array([-1, 0, 300]), "a": np.array([0.5, -2], np.float32), "c": [b"xy", b""]}
    expected = {"a": ("float", [0.5, -2]), "b": ("int", [-1, 0, 300]), "c": ("bytes", [b"xy", b""])}
    assert framed(serialize_example(numbers)) == frame(example(expected))


def test_a_policy_can_train_on_it(write):
    store = build_store(open_sources((RLDSConfig(path=write(range(4)), cameras=("static", "wrist"), holdout=0.5),)))
    assert len(store) == 24
    assert store.images["wrist"].shape == (24, 8, 8, 3)


def test_whole_or_absent(write, tmp_path, make_episode):
    with pytest.raises(CorruptData):
        write([make_episode(0), replace(make_episode(1), actions=np.full((6, 7), 9, np.float32))])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="No episode was added"):
        write([])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="already exists and is not empty"):
        write(name=write().name)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"actions": np.full((6, 7), np.nan, np.float32)}, CorruptData, "episode 0, frame 0: .*'position' is nan"),
        (EMPTY, UserError, "Episode 0 has no steps"),
        ({"state": np.full((6, 4), np.inf, np.float32)}, UserError, "Episode 0: the state has a number"),
        ({"state": np.zeros((6, 3), np.float32)}, UserError, "does not fit the ObservationSpec"),
        ({"images": {}}, UserError, "does not fit the ObservationSpec"),
    ],
)
def test_bad_episodes_are_refused(write, make_episode, tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        write([replace(make_episode(0), **change)])
    assert list(tmp_path.iterdir()) == []


def test_names(tmp_path, action_spec, observation_spec):
    with pytest.raises(UserError, match="got 'My Set', expected lower-case"):
        RLDSWriter(tmp_path / "x", action_spec, observation_spec, name="My Set")


def test_real_data_survives(bridge, tmp_path):
    source = OXEDataset(bridge)
    with RLDSWriter(tmp_path / "again", source.action_spec, source.observation_spec, name="bridge_again") as writer:
        for index in range(3):
            writer.add(source.read(index))
    again = OXEDataset(tmp_path / "again")
    for index in range(3):
        wrote, read = source.read(index), again.read(index)
        np.testing.assert_array_equal(read.actions, wrote.actions)
        np.testing.assert_array_equal(read.state, wrote.state)
        assert all(np.array_equal(read.images[name], wrote.images[name]) for name in wrote.images)
        assert (read.instruction, read.info) == (wrote.instruction, wrote.info)
