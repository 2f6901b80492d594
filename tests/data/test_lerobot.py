import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from robovlms.core.errors import CorruptData, UserError
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.lerobot.encode import encode_episode
from robovlms.data.lerobot.writer import LeRobotWriter


@pytest.fixture
def write(tmp_path, action_spec, observation_spec, make_episode):
    def write(name="set", count=4, **options):
        with LeRobotWriter(tmp_path / name, action_spec, observation_spec, 10, **options) as writer:
            for seed in range(count):
                writer.add(make_episode(seed, length=4 + seed))
        return tmp_path / name

    return write


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_is_written_comes_back(write, make_episode, action_spec, observation_spec):
    dataset = LeRobotDataset(write(provenance={"command": "robovlms demos", "seed": 0}))
    assert (len(dataset), dataset.num_frames) == (4, 4 + 5 + 6 + 7)
    assert dataset.action_spec == action_spec
    assert dataset.observation_spec == observation_spec
    assert dataset.provenance["seed"] == 0
    for seed in (3, 0, 2, 1):
        ours, theirs = make_episode(seed, length=4 + seed), dataset.read(seed)
        assert (theirs.instruction, theirs.task, theirs.info) == (ours.instruction, ours.task, ours.info)
        np.testing.assert_array_equal(theirs.actions, ours.actions)
        np.testing.assert_array_equal(theirs.state, ours.state)
        for camera in ours.images:
            np.testing.assert_array_equal(theirs.images[camera], ours.images[camera])
    assert dataset.source_of(3) == "chain 1"
    assert dataset.episodes()[2]["task_name"] == "close_drawer"
    assert set(dataset.read(0, cameras=("wrist",)).images) == {"wrist"}


@pytest.mark.parametrize(("image_format", "tolerance"), [("jpeg", 30), ("mp4", 40)])
def test_lossy_formats_come_back_nearly(tmp_path, action_spec, observation_spec, make_episode, image_format, tolerance):
    episode = make_episode(0, length=5)
    ramp = np.linspace(0, 200, 16 * 24 * 3).reshape(16, 24, 3)  # smooth: noise is what lossy codecs throw away
    static = np.stack([ramp + 10 * i for i in range(5)]).astype(np.uint8)
    wrist = static[:, :8, :8]
    episode.images.update(static=static, wrist=wrist)
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10, image_format) as writer:
        writer.add(episode)
        writer.add(episode)
    dataset = LeRobotDataset(tmp_path / "set")
    for camera in ("static", "wrist"):
        back = dataset.read(1).images[camera].astype(int)
        difference = np.abs(back - episode.images[camera])
        assert difference.max() <= tolerance
        assert difference.mean() < 5
        assert (np.diff(back.mean((1, 2, 3))) > 5).all()  # the frames are in order
    assert (tmp_path / "set/videos").exists() == (image_format == "mp4")


def test_frames_in_the_middle_of_a_video(tmp_path):
    from robovlms.data.images import VideoPart, decode_video, encode_video

    frames = np.stack([np.full((16, 16, 3), 10 * i, np.uint8) for i in range(20)])
    (tmp_path / "a.mp4").write_bytes(encode_video(frames, 10))
    part = decode_video(VideoPart(tmp_path / "a.mp4", 0.7), 5, 10)
    np.testing.assert_allclose(part.mean((1, 2, 3)), [70, 80, 90, 100, 110], atol=3)
    part = decode_video(VideoPart(tmp_path / "a.mp4", 0.7), 2, 10, skip=3)
    np.testing.assert_allclose(part.mean((1, 2, 3)), [100, 110], atol=3)
    with pytest.raises(CorruptData, match="got 2 frames"):
        decode_video(VideoPart(tmp_path / "a.mp4", 1.8), 5, 10)


def test_same_bytes_for_any_number_of_processes(write, tmp_path, action_spec, observation_spec, make_episode):
    episodes = [make_episode(seed, length=4 + seed) for seed in range(4)]
    with (
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
        LeRobotWriter(tmp_path / "parallel", action_spec, observation_spec, 10) as writer,
    ):
        for encoded in pool.map(partial(encode_episode, fps=10), episodes):
            writer.add(encoded)
    assert digest(tmp_path / "parallel") == digest(write())
    assert digest(write("again", image_format="mp4")) == digest(write("once_more", image_format="mp4"))


def test_layout_is_that_of_the_format(write):
    path = write()
    info = json.loads((path / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"], info["fps"]) == (4, 22, 2, 10)
    table = pq.read_table(path / "data/chunk-000/file-000.parquet")
    assert set(table.column_names) == set(info["features"])
    assert table["index"].to_pylist() == list(range(22))
    np.testing.assert_allclose(table["timestamp"].to_pylist()[:4], [0, 0.1, 0.2, 0.3], atol=1e-6)
    described = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert described["observation.images.static"] == {"_type": "Image"}
    episodes = pq.read_table(path / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [row["dataset_from_index"] for row in episodes] == [0, 4, 9, 15]


def test_statistics_are_exact(write, make_episode):
    stats = json.loads((write() / "meta/stats.json").read_text())
    episodes = [make_episode(seed, length=4 + seed) for seed in range(4)]
    actions = np.concatenate([episode.actions for episode in episodes]).astype(float)
    for name, value in (
        ("mean", actions.mean(0)),
        ("std", actions.std(0)),
        ("q99", np.quantile(actions, 0.99, axis=0)),
    ):
        np.testing.assert_allclose(stats["action"][name], value)
    pixels = np.concatenate([episode.images["static"] for episode in episodes]) / 255
    image = stats["observation.images.static"]
    assert np.shape(image["mean"]) == (3, 1, 1)
    np.testing.assert_allclose(np.ravel(image["mean"]), pixels.mean((0, 1, 2)))
    np.testing.assert_allclose(np.ravel(image["std"]), pixels.std((0, 1, 2)))
    median = np.quantile(pixels, 0.5, axis=(0, 1, 2), method="inverted_cdf")
    np.testing.assert_allclose(np.ravel(image["q50"]), median)


def test_data_made_elsewhere_has_no_specs(write):
    path = write()
    (path / "meta/specs.json").unlink()
    dataset = LeRobotDataset(path)
    assert dataset.action_spec.components[0].kind == "other"
    assert dataset.observation_spec.camera_names == ("static", "wrist")
    assert dataset.observation_spec.state_dims == 4
    assert len(dataset.read(0)) == 4


def test_data_files_are_split_by_size(write, monkeypatch, make_episode):
    monkeypatch.setattr("robovlms.data.lerobot.format.DATA_FILE_MB", 0.02)
    path = write()
    assert len(list(path.glob("data/chunk-000/*.parquet"))) > 1
    for seed, episode in enumerate(LeRobotDataset(path)):
        np.testing.assert_array_equal(episode.actions, make_episode(seed, length=4 + seed).actions)


def test_nothing_is_left_of_an_interrupted_writer(tmp_path, action_spec, observation_spec, make_episode):
    def interrupted():
        with LeRobotWriter(tmp_path / "a", action_spec, observation_spec, 10) as writer:
            writer.add(make_episode(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


class TestDamage:
    def rewrite(self, path, change):
        file = path / "data/chunk-000/file-000.parquet"
        table = pq.read_table(file)
        rows = table.to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
        return LeRobotDataset(path)

    def test_missing_files(self, write):
        path = write()
        (path / "data/chunk-000/file-000.parquet").unlink()
        with pytest.raises(CorruptData, match=r"file-000.parquet is missing"):
            LeRobotDataset(path).read(0)
        (path / "meta/tasks.parquet").unlink()
        with pytest.raises(CorruptData, match=r"tasks.parquet is missing"):
            LeRobotDataset(path)

    def test_truncated_files(self, write):
        path = write()
        for name in ("data/chunk-000/file-000.parquet", "meta/info.json"):
            content = (path / name).read_bytes()
            (path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(CorruptData, match=r"info.json is not valid JSON"):
            LeRobotDataset(path)
        (path / "meta/info.json").write_bytes((write("other") / "meta/info.json").read_bytes())
        with pytest.raises(CorruptData, match=r"file-000.parquet is damaged"):
            LeRobotDataset(path).read(0)

    def test_a_bad_image_is_named_by_row(self, write):
        def cut(rows):
            image = rows[10]["observation.images.static"]
            image["bytes"] = image["bytes"][:200]

        dataset = self.rewrite(write(), cut)
        dataset.read(0)
        with pytest.raises(CorruptData, match=r"file-000.parquet, row 10, column 'observation.images.static'"):
            dataset.read(2)

    def test_a_bad_number_is_named_by_row(self, write):
        dataset = self.rewrite(write(), lambda rows: rows[5]["action"].__setitem__(2, float("nan")))
        with pytest.raises(CorruptData, match=r"row 5: .*'action', expected 7 finite numbers"):
            dataset.read(1)

    def test_rows_out_of_place(self, write):
        dataset = self.rewrite(write(), lambda rows: rows.pop(7))
        with pytest.raises(CorruptData, match="should be the frames of episode 1"):
            dataset.read(1)

    def rewrite_episodes(self, path, change):
        file = path / "meta/episodes/chunk-000/file-000.parquet"
        rows = pq.read_table(file).to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows), file)
        return path

    def test_episode_tables(self, write):
        def duplicate(rows):
            rows[2]["episode_index"] = 0

        where = r"file-000.parquet, row 2"
        with pytest.raises(CorruptData, match=rf"{where}: episode 0 stands twice, first at .*row 0"):
            LeRobotDataset(self.rewrite_episodes(write("twice"), duplicate))
        with pytest.raises(CorruptData, match=rf"{where}: got episode_index 2 and length 0"):
            LeRobotDataset(self.rewrite_episodes(write("empty"), lambda rows: rows[2].update(length=0)))
        with pytest.raises(CorruptData, match=r"info.json says 4 episodes, but their table has 3"):
            LeRobotDataset(self.rewrite_episodes(write("short"), lambda rows: rows.pop()))
        path = self.rewrite_episodes(write("lost"), lambda rows: [row.pop("data/file_index") for row in rows])
        with pytest.raises(CorruptData, match=r"meta/episodes: episode 1 has no 'data/file_index'"):
            LeRobotDataset(path).read(1)

    def test_language_that_is_not_utf8(self, write):
        path = write()
        file = path / "meta/tasks.parquet"
        table = pq.read_table(file)
        raw = pa.array([b"close it", "öffne".encode("latin-1")])
        text = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
        name = next(name for name in table.column_names if name != "task_index")
        pq.write_table(pa.table({"task_index": table["task_index"], name: text}), file)
        with pytest.raises(CorruptData, match=r"tasks.parquet, row 1: a text is not UTF-8"):
            LeRobotDataset(path)

    def test_path_templates(self, write):
        path = write(image_format="mp4")
        info = json.loads((path / "meta/info.json").read_text())
        for key in ("data_path", "video_path"):
            leaving = {key: "../../{chunk_index}/{file_index}"}
            (path / "meta/info.json").write_text(json.dumps(info | leaving))
            with pytest.raises(CorruptData, match=r"info.json, path template .* leads out of the data set: '../../0/"):
                LeRobotDataset(path).read(1)

    def test_another_version(self, write):
        path = write()
        info = path / "meta/info.json"
        info.write_text(info.read_text().replace("v3.0", "v1.6"))
        with pytest.raises(
            UserError, match=r"info.json: got codebase_version 'v1.6', expected one of v2.0, v2.1, v3.0"
        ):
            LeRobotDataset(path)


def test_bad_episodes_are_refused(tmp_path, action_spec, observation_spec, make_episode):
    writer = LeRobotWriter(tmp_path / "a", action_spec, observation_spec, 10)
    bad = make_episode(0)
    bad.actions[3, 1] = np.nan
    with pytest.raises(UserError, match="actions of frame 3 is not finite"):
        writer.add(bad)
    narrow = make_episode(0)
    narrow.images.pop("wrist")
    with pytest.raises(UserError, match="Cameras do not fit"):
        writer.add(narrow)
    with pytest.raises(UserError, match="No episode was added"):
        writer.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/file").touch()
    with pytest.raises(UserError, match="already exists and is not empty"):
        LeRobotWriter(tmp_path / "b", action_spec, observation_spec, 10)
    with pytest.raises(UserError, match="does not exist"):
        LeRobotDataset(tmp_path / "nowhere")
