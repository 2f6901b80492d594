"""Any TFDS folder: encodings, nesting, shards, ragged rows and what may be wrong, against independent files."""

import io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tfds_folder import features, image, sequence, steps, tensor, text, write_folder

from robovlms.actions.spec import ActionComponent, ActionSpec, StateComponent
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.rlds.folder import RLDSDataset
from robovlms.data.sources import RLDSConfig

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
STATE = RNG.normal(size=(3, 4)).astype(np.float32)
ACTION = RNG.normal(size=(3, 2)).astype(np.float32)


def file_of(pixels, kind):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


TREE = features(
    steps=steps(
        action=features(xy=tensor(2), grip=tensor(dtype="bool")),
        language_instruction=text(),
        observation=features(
            png=image(6, 8, 3),
            jpeg=image(-1, -1, 3, encoding="jpeg"),
            raw=tensor(6, 8, 3, dtype="uint8"),
            packed=tensor(6, 8, 3, dtype="uint8", encoding="zlib"),
            state=tensor(4, dtype="float64"),
            boxes=sequence(tensor(2)),
            cloud=tensor(-1, -1, encoding="bytes"),
        ),
    ),
    episode_metadata=features(file_path=text(), tags=sequence(text()), number=tensor(dtype="int32")),
)
BOXES = [[[0, 1], [2, 3]], [], [[4, 5]]]
CLOUDS = [RNG.normal(size=(n, 3)).astype(np.float32) for n in (2, 0, 1)]


def record(number=0, **changes):
    return {
        "steps/action/xy": ACTION,
        "steps/action/grip": np.array([True, False, True]),
        "steps/language_instruction": ["reich mir den Würfel"] * 3,
        "steps/observation/png": [file_of(frame, "png") for frame in PIXELS],
        "steps/observation/jpeg": [file_of(frame, "jpeg") for frame in PIXELS],
        "steps/observation/raw": PIXELS,
        "steps/observation/packed": [zlib.compress(frame.tobytes()) for frame in PIXELS],
        "steps/observation/state": STATE,
        "steps/observation/boxes/ragged_flat_values": np.array([b for rows in BOXES for b in rows], np.float32),
        "steps/observation/boxes/ragged_row_lengths_0": np.array([2, 0, 1]),
        "steps/observation/cloud/value": [cloud.tobytes() for cloud in CLOUDS],
        "steps/observation/cloud/shape": np.array([cloud.shape for cloud in CLOUDS]),
        "episode_metadata/file_path": [f"run/{number}.pkl"],
        "episode_metadata/tags": ["a", "b"],
        "episode_metadata/number": np.array([-number]),
    } | changes


CONVENTION = {
    "action_spec": ActionSpec(
        components=(
            ActionComponent(name="xy", dims=2, kind="delta_position", low=None, high=None),
            ActionComponent(name="grip", dims=1, kind="gripper", low=0, high=1, gripper_closed=0, gripper_open=1),
        ),
        rate_hz=4,
    ).model_dump(),
    "actions": ["action/xy", "action/grip"],
    "cameras": ["png", "jpeg", "raw", "packed"],
    "wrist_cameras": ["jpeg"],
    "state": [StateComponent(name="arm", dims=3).model_dump(), StateComponent(name="hand", dims=1).model_dump()],
}


def opened(path, **settings):
    return validate(RLDSConfig, {"path": path, "features": CONVENTION} | settings).open()


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "mine" / "0.1.0", TREE, [[record(0), record(1)], [record(2)]])


def test_every_feature_of_every_shard(folder):
    dataset = RLDSDataset(folder)
    assert [dataset.read(i)["episode_metadata/file_path"] for i in range(3)] == [[f"run/{i}.pkl"] for i in range(3)]
    assert dataset.where(2).endswith("tfrecord-00001-of-00002, record 0")
    found = dataset.read(1)
    np.testing.assert_array_equal(found["steps/observation/raw"], PIXELS)
    np.testing.assert_array_equal(found["steps/observation/packed"], PIXELS)
    np.testing.assert_array_equal(found["steps/observation/state"], STATE.astype(np.float64))
    assert found["steps/observation/state"].dtype == np.float64
    assert [rows.tolist() for rows in found["steps/observation/boxes"]] == BOXES
    assert all(np.array_equal(a, b) for a, b in zip(found["steps/observation/cloud"], CLOUDS, strict=True))
    assert found["steps/action/grip"].dtype == bool
    assert found["episode_metadata/tags"] == ["a", "b"]
    assert found["episode_metadata/number"].tolist() == [-1]


def test_a_convention_given_by_the_user(folder):
    source = opened(folder)
    assert (len(source), source.lengths()) == (3, [3, 3, 3])
    assert [(c.name, c.height, c.width) for c in source.observation_spec.cameras] == [
        (name, 6, 8) for name in ("png", "jpeg", "raw", "packed")
    ]
    episode = source.read(2)
    for camera in ("png", "raw", "packed"):
        np.testing.assert_array_equal(episode.images[camera], PIXELS)
    assert episode.images["jpeg"].shape == PIXELS.shape
    np.testing.assert_array_equal(episode.state, STATE)
    np.testing.assert_array_equal(episode.actions, np.column_stack([ACTION, [1, 0, 1]]))
    assert (episode.instruction, source.source_of(2)) == ("reich mir den Würfel", "run/2.pkl")
    assert source.views == {"static": "png", "wrist": "jpeg"}
    assert source.action_spec.rate_hz == source.observation_spec.rate_hz == 4


def test_more_columns_than_the_spec_says(folder):
    spec = CONVENTION["action_spec"] | {"components": CONVENTION["action_spec"]["components"][:1]}
    with pytest.raises(CorruptData, match=r"'xy' has 3 numbers from action/xy, action/grip, expected 2"):
        opened(folder, features=CONVENTION | {"action_spec": spec}).read(0)


def test_only_what_is_asked_for_is_decoded(folder):
    source = opened(folder)
    broken = record(0, **{"steps/observation/png": [b"no image"] * 3})
    write_folder(folder, TREE, [[broken]])
    source = opened(folder)
    assert list(source.read(0, ("raw",)).images) == ["raw"]
    with pytest.raises(CorruptData, match=r"00000-of-00001, record 0, step 0, camera 'png'"):
        source.read(0, ("png",))


def test_a_look_reads_no_more_than_it_needs(folder):
    """Lengths and sources are told without verifying pixels; reading the episode finds the damage."""
    file = folder / "mine-train.tfrecord-00000-of-00002"
    content = bytearray(file.read_bytes())
    content[content.rindex(b"\x89PNG") + 40] ^= 1
    file.write_bytes(content)
    source = opened(folder)
    assert (source.lengths(), source.source_of(1)) == ([3, 3, 3], "run/1.pkl")
    with pytest.raises(CorruptData, match="record 1: the checksum does not match"):
        source.read(1)


def test_the_fingerprint_follows_what_is_known(folder):
    same, faster = opened(folder).fingerprint(), opened(folder, rate_hz=9).fingerprint()
    assert same == opened(folder).fingerprint() != faster
    assert opened(folder, bgr_cameras=["png"]).fingerprint() not in (same, faster)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps/language_instruction": [b"\xff\xfe", "", ""]}, "record 0: entry 0 of .* is not UTF-8"),
        ({"steps/action/xy": np.array([[0, 0], [np.nan, 0], [0, 0]], np.float32)}, "record 0, step 1: .*action is nan"),
        ({"steps/observation/state": STATE * np.inf}, "record 0, step 0: dimension 0 of the state is -?inf"),
        ({"steps/action/xy": ACTION[:2]}, "record 0: the steps differ in number"),
    ],
)
def test_bad_records_are_named(folder, change, message):
    write_folder(folder, TREE, [[record(0, **change)]])
    with pytest.raises(CorruptData, match=message):
        opened(folder).read(0)


def test_rows_that_do_not_add_up(folder):
    write_folder(folder, TREE, [[record(0, **{"steps/observation/boxes/ragged_row_lengths_0": np.array([2, 0, 2])})]])
    with pytest.raises(CorruptData, match=r"record 0: 'steps/observation/boxes' holds 3 values, but its rows have 4"):
        RLDSDataset(folder).read(0)


def test_an_episode_without_steps(folder):
    empty = {key: [] for key in record() if key.startswith("steps/")}
    write_folder(folder, TREE, [[record(0), record(1, **empty)]])
    source = opened(folder)
    assert source.lengths() == [3, 0]
    with pytest.raises(CorruptData, match="record 1: the episode has 0 steps, expected at least 1"):
        source.read(1)


def test_what_the_data_set_lacks_is_said_at_once(folder):
    with pytest.raises(UnknownName, match=r"steps/observation/pgn.*Did you mean 'steps/observation/png'"):
        opened(folder, features=CONVENTION | {"cameras": ["pgn"], "wrist_cameras": []})
    with pytest.raises(UserError, match=r"'steps/observation/state' is a tensor .* expected one image a step"):
        opened(folder, features=CONVENTION | {"cameras": ["state"], "wrist_cameras": []})
    for feature in ("language_instruction", "observation/boxes", "observation/png"):
        with pytest.raises(UserError, match=f"'steps/{feature}' is a .* expected as many numbers in every step"):
            opened(folder, features=CONVENTION | {"actions": [feature]})
    with pytest.raises(UnknownName, match="Did you mean 'taco_play'"):
        opened(folder, features=None, convention="taco_pley")
    with pytest.raises(UnknownName, match="RLDS convention 'mine'"):
        opened(folder, features=None)
    columns = [StateComponent(name="arm", dims=5).model_dump()]
    with pytest.raises(CorruptData, match=r"record 0: 'arm' has 4 numbers .* expected 5"):
        opened(folder, features=CONVENTION | {"state": columns}).read(0)
    with pytest.raises(UserError, match="got both convention and features"):
        opened(folder, convention="taco_play")
    with pytest.raises(UserError, match="wrist_cameras has 'hand'"):
        opened(folder, features=CONVENTION | {"wrist_cameras": ["hand"]})


def test_a_sentence_for_all(folder):
    source = opened(folder, features=CONVENTION | {"language": "nowhere"}, instruction="turn it")
    assert (source.read(1).instruction, source.lengths()) == ("turn it", [3, 3, 3])
    with pytest.raises(UserError, match="got both instruction and only_rt_partial"):
        opened(folder, instruction="turn it", only_rt_partial=True)


def test_other_templates(tmp_path):
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_INDEX}"
    folder = write_folder(tmp_path / "a", TREE, [[record(0)]], template=template)
    assert len(RLDSDataset(folder)) == 1
    for bad, message in (("../{DATASET}-{SPLIT}", "leaves the folder"), ("{NOTHING}", "has KeyError")):
        write_folder(tmp_path / "b", TREE, [[record(0)]], template=bad)
        with pytest.raises(CorruptData, match=message):
            RLDSDataset(tmp_path / "b")
    info = json.loads((folder / "dataset_info.json").read_text()) | {"fileFormat": "array_record"}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(UserError, match="stored as array_record, expected tfrecord"):
        RLDSDataset(folder)


def test_the_settings_of_the_documentation_are_settings():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block.split("```")[0]) for block in page.split("```yaml")[1:]]
    entries = [entry for block in blocks for entry in block["data"] if entry["kind"] == "rlds"]
    assert [validate(RLDSConfig, entry).convention for entry in entries] == ["bridge_orig", None]


def _set(path, value):
    def change(content):
        *parents, last = path
        for key in parents:
            content = content[key]
        content[last] = value

    return change


NODES = ("featuresDict", "features")
XY = (*NODES, "steps", "sequence", "feature", *NODES, "action", *NODES, "xy", "tensor")


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("dataset_info", ("splits",), {"train": 1}),
        ("dataset_info", ("splits", 0), {"name": "train"}),
        ("dataset_info", ("splits", 0, "shardLengths"), [None]),
        ("dataset_info", ("splits", 0, "shardLengths"), "many"),
        ("dataset_info", ("splits", 0, "filepathTemplate"), 5),
        ("features", NODES, 3),
        ("features", (*NODES, "steps"), "none"),
        ("features", (*XY, "shape"), {"dimensions": ["a"]}),
        ("features", (*XY, "shape"), {"dimensions": ["-7"]}),
    ],
)
def test_descriptions_of_another_form_are_named(folder, name, path, value):
    file = folder / f"{name}.json"
    content = json.loads(file.read_text())
    _set(path, value)(content)
    file.write_text(json.dumps(content))
    with pytest.raises(CorruptData, match=rf"{name}.json is not as TFDS writes it"):
        RLDSDataset(folder)


def test_a_type_that_numpy_does_not_have(folder):
    file = folder / "features.json"
    content = json.loads(file.read_text())
    _set((*XY, "dtype"), "bfloat16")(content)
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="Feature 'steps/action/xy' is of type bfloat16, which is not supported"):
        RLDSDataset(folder).read(0, ["steps/action/xy"])


def test_a_split_without_records(folder):
    file = folder / "dataset_info.json"
    content = json.loads(file.read_text())
    _set(("splits", 0, "shardLengths"), [])(content)
    file.write_text(json.dumps(content))
    with pytest.raises(CorruptData, match=r"dataset_info.json: split 'train' holds no record"):
        RLDSDataset(folder)
