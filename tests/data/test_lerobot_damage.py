"""LeRobot metadata and rows that lie: refused with file and place, instead of a crash or a silent misreading."""

import json
import struct
import zlib

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UserError
from robovlms.data.images import VideoPart, decode_image, decode_video, encode_video, inspect_video
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.sources import LeRobotConfig

EPISODES, ROWS = "meta/episodes/chunk-000/file-000.parquet", "data/chunk-000/file-000.parquet"
FROM = "videos/observation.images.static/from_timestamp"


@pytest.fixture
def write(tmp_path, action_spec, observation_spec, make_episode):
    def write(**options):
        with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10, **options) as writer:
            for seed in range(3):
                writer.add(make_episode(seed, length=5))
        return tmp_path / "set"

    return write


def change_json(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def change_rows(file, column, row, value):
    table = pq.read_table(file)
    cells = table[column].to_pylist()
    cells[row] = value
    field = table.schema.field(column)
    kind = field.type if value is None or isinstance(value, int | float) else None
    pq.write_table(table.set_column(table.column_names.index(column), column, pa.array(cells, kind)), file)


@pytest.mark.parametrize("template", ["{chunk_index:{other}}", "{chunk_index:>99999999999999}"])
def test_templates_that_cannot_be_filled_in(write, template):
    path = write()
    change_json(path / "meta/info.json", lambda info: info.update(data_path=template))
    with pytest.raises(CorruptData, match=r"info.json, path template .* cannot be filled in"):
        LeRobotDataset(path).read(0)


def test_a_feature_that_is_no_vector(write):
    path = write()
    change_json(path / "meta/info.json", lambda info: info["features"]["action"].update(shape=[]))
    with pytest.raises(CorruptData, match=r"info.json: feature 'action' has shape \(\), expected one size"):
        LeRobotDataset(path)


@pytest.mark.parametrize(
    ("column", "value"), [("dataset_from_index", None), ("length", 4), ("length", 6), ("length", 2**40)]
)
def test_rows_that_are_not_those_of_the_episode(write, column, value):
    path = write()
    change_rows(path / EPISODES, column, 1, value)
    with pytest.raises(CorruptData, match=r"file-000.parquet.* episode 1"):
        LeRobotDataset(path).read(1)


def test_actions_that_are_no_numbers(write):
    path = write()
    table = pq.read_table(path / ROWS)
    words = pa.array([["left"] * 7] * 15)
    pq.write_table(table.set_column(table.column_names.index("action"), "action", words), path / ROWS)
    with pytest.raises(CorruptData, match=r"file-000.parquet, row 5: got \['left'.* expected 7 finite numbers"):
        LeRobotDataset(path).read(1)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_video_that_begins_nowhere(write, seconds):
    path = write(image_format="mp4")
    change_rows(path / EPISODES, FROM, 1, seconds)
    with pytest.raises(CorruptData, match=r"episode 1 has 'videos/observation.images.static/from_timestamp'"):
        LeRobotDataset(path).read(1)


def test_a_video_of_another_rate(write):
    path = write(image_format="mp4")
    video = path / "videos/observation.images.static/chunk-000/file-001.mp4"
    video.write_bytes(encode_video(np.zeros((20, 16, 24, 3), np.uint8), 30))
    with pytest.raises(CorruptData, match=r"file-001.mp4: 5 frames .* at 10 frames a second"):
        LeRobotDataset(path).read(1)


def test_specs_that_do_not_fit_the_features(write):
    path = write()
    config = {"path": path, "action_spec": LeRobotDataset(path).action_spec.model_dump()}
    config["action_spec"]["components"] = config["action_spec"]["components"][:2]
    with pytest.raises(UserError, match=r"action_spec describes 6 numbers, but actions in meta/info.json have 7"):
        validate(LeRobotConfig, config).open()
    change_json(path / "meta/specs.json", lambda specs: specs["observation_spec"]["state"].pop())
    with pytest.raises(UserError, match=r"observation_spec describes 3 numbers, but state in meta/info.json have 4"):
        LeRobotDataset(path)


def test_specs_of_other_cameras(write):
    path = write()
    change_json(path / "meta/specs.json", lambda specs: specs["observation_spec"]["cameras"][0].update(height=9))
    with pytest.raises(CorruptData, match=r"specs.json: got \(9, 24\) pixels of camera 'static', expected \(16, 24\)"):
        LeRobotDataset(path)


def test_information_that_is_not_json(write):
    path = write()
    change_json(path / "meta/specs.json", lambda specs: specs.update(json_columns=["info/scene"]))
    with pytest.raises(CorruptData, match="episode 1: its information is not valid JSON"):
        LeRobotDataset(path).read(1, ())


def test_no_address_in_memory_is_told():
    with pytest.raises(CorruptData, match=r"row 3: the image cannot be decoded \(it is no image file\)"):
        decode_image(b"no image", "row 3")


def test_an_image_that_says_to_be_enormous():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(CorruptData, match=r"row 3: the image cannot be decoded .*exceeds limit"):
        decode_image(png, "row 3")


def test_names_of_columns_that_are_not_utf8(write):
    path = write() / "meta/tasks.parquet"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"task_index", b"task_\xffndex"))
    with pytest.raises(CorruptData, match=r"tasks.parquet is damaged .*can't decode"):
        LeRobotDataset(path.parents[1])


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), AttributeError("no height")])
def test_what_pyav_raises_for_damaged_videos(tmp_path, monkeypatch, error):
    def fail(_):
        raise error

    monkeypatch.setattr(av, "open", fail)
    for read in (inspect_video, lambda path: decode_video(VideoPart(path), 5, 10)):
        with pytest.raises(CorruptData, match=r"a.mp4: the video cannot be read"):
            read(tmp_path / "a.mp4")


def test_another_format_is_said_to_be_one(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file does not exist, or is no folder"):
        LeRobotDataset(tmp_path / "file")
    with pytest.raises(CorruptData, match=r"info.json is missing. This is no LeRobot data set: .*\(kind\)"):
        LeRobotDataset(tmp_path)
