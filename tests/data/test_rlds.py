import json
import shutil

import numpy as np
import pytest

from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.oxe import OXEDataset
from robovlms.data.rlds.features import parse_features
from robovlms.data.rlds.folder import RLDSDataset


@pytest.fixture
def copy(bridge, tmp_path):
    path = tmp_path / "bridge"
    path.mkdir()
    for file in bridge.iterdir():
        shutil.copyfile(file, path / file.name)
    return path


def test_real_records_have_the_described_shapes(bridge):
    dataset = RLDSDataset(bridge)
    assert len(dataset) == 25
    record = dataset.read(0)
    assert record["steps/action"].shape == (10, 7)
    assert record["steps/language_embedding"].shape == (10, 512)
    assert record["steps/is_first"].dtype == bool
    assert record["steps/is_first"].tolist() == [True] + [False] * 9
    assert record["episode_metadata/episode_id"].tolist() == [5]
    assert record["steps/observation/image_0"][0][:2] == b"\xff\xd8"  # JPEG


def test_real_episodes(bridge):
    dataset = OXEDataset(bridge)
    episodes = [dataset.read(i) for i in range(len(dataset))]
    assert {len(episode) for episode in episodes} == {10}
    assert len({episode.instruction for episode in episodes}) == 4
    assert len({dataset.source_of(i) for i in range(25)}) == 4
    for episode in episodes:
        assert episode.images["image_0"].shape == (10, 64, 64, 3)
        assert not episode.images["image_3"].any()  # black everywhere, as its README says
        assert set(episode.actions[:, 6]) <= {0.0, 1.0}
    assert dataset.observation_spec.camera_names == ("image_0", "image_1", "image_2", "image_3")
    assert dataset.observation_spec.state_dims == dataset.action_spec.dims == 7
    # The commanded delta drives the measured position, so the convention (metres, base frame) is right.
    moved = np.concatenate([np.diff(e.state[:, :3], axis=0)[1:] for e in episodes])
    commanded = np.concatenate([e.actions[1:-1, :3] for e in episodes])
    assert np.corrcoef(moved.ravel(), commanded.ravel())[0, 1] > 0.8


def test_damage_names_file_and_record(copy):
    file = copy / "bridge_dataset-train.tfrecord-00000-of-00001"
    content = bytearray(file.read_bytes())
    content[144644 + 16 + 500] ^= 1
    file.write_bytes(bytes(content))
    dataset = OXEDataset(copy)
    dataset.read(0)
    with pytest.raises(CorruptData, match=r"train.tfrecord-00000-of-00001, record 1: the checksum does not match"):
        dataset.read(1)
    file.write_bytes(content[:-100])
    with pytest.raises(CorruptData, match="record 24: the file ends inside"):
        OXEDataset(copy)
    file.unlink()
    with pytest.raises(CorruptData, match="is missing"):
        OXEDataset(copy)


def test_wrong_counts_splits_and_names(copy):
    info = json.loads((copy / "dataset_info.json").read_text())
    info["splits"][0]["shardLengths"] = ["26"]
    (copy / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(CorruptData, match=r"got 25 records, but dataset_info.json says 26"):
        OXEDataset(copy)
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        OXEDataset(copy, split="trian")
    info["splits"][0]["shardLengths"] = ["25"]
    (copy / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(UnknownName, match="Did you mean 'bridge_dataset'"):
        OXEDataset(copy, convention="bridge_datasett")
    with pytest.raises(UserError, match="does not exist"):
        OXEDataset(copy / "nowhere")


def test_a_feature_that_the_record_lacks(copy):
    features = json.loads((copy / "features.json").read_text())
    steps = features["featuresDict"]["features"]["steps"]["sequence"]["feature"]["featuresDict"]["features"]
    steps["depth"] = steps["action"]
    (copy / "features.json").write_text(json.dumps(features))
    with pytest.raises(CorruptData, match=r"record 0: .*steps/depth.* missing"):
        OXEDataset(copy).read(0)
    steps["action"]["tensor"]["shape"]["dimensions"] = ["8"]
    del steps["depth"]
    (copy / "features.json").write_text(json.dumps(features))
    with pytest.raises(CorruptData, match="holds 70 values, expected a multiple of 8"):
        OXEDataset(copy).read(0)


def test_unsupported_features_are_named():
    node = {"featuresDict": {"features": {"clip": {"pythonClassName": "a.b.Video", "video": {}}}}}
    with pytest.raises(UserError, match="Feature 'clip' is of kind Video"):
        parse_features(node)
    ragged = {"tensor": {"shape": {"dimensions": ["-1"]}, "dtype": "float32", "encoding": "none"}}
    with pytest.raises(UserError, match="no fixed shape"):
        parse_features({"sequence": {"feature": ragged}})
    with pytest.raises(UserError, match="encoded as gzip"):
        parse_features({"tensor": {"dtype": "float32", "encoding": "gzip"}})
