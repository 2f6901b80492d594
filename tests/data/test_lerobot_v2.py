import json
import re
import shutil

import numpy as np
import pytest
from lerobot_v2 import TASKS, V2Folder, recording, write_mp4

from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.sources import LeRobotConfig
from robovlms.data.store.build import build_store, open_sources


@pytest.fixture
def folder(tmp_path):
    made = V2Folder(tmp_path / "set", recordings=[recording(seed, 5 + seed) for seed in range(3)])
    made.write()
    return made


@pytest.mark.parametrize("version", ["v2.0", "v2.1"])
@pytest.mark.parametrize("videos", [True, False])
def test_every_episode_comes_back(tmp_path, version, videos):
    recordings = [recording(seed, 5 + seed) for seed in range(3)]
    dataset = LeRobotDataset(V2Folder(tmp_path / "set", version, videos, recordings=recordings).write())
    assert (len(dataset), dataset.lengths(), dataset.info.fps) == (3, [5, 6, 7], 10)
    assert dataset.observation_spec.camera_names == ("top", "wrist")
    assert [(c.height, c.width) for c in dataset.observation_spec.cameras] == [(16, 24), (32, 32)]
    assert (dataset.action_spec.dims, dataset.action_spec.components[0].kind) == (7, "other")
    for index in (2, 0, 1):  # the last is in the second chunk
        ours, theirs = recordings[index], dataset.read(index)
        np.testing.assert_array_equal(theirs.actions, ours.actions)
        np.testing.assert_array_equal(theirs.state, ours.state)
        assert theirs.instruction == TASKS[index % 2]
        for camera in ("top", "wrist"):
            difference = theirs.images[camera].astype(int) - ours.images[f"observation.images.{camera}"]
            assert np.abs(difference).max() <= (4 if videos else 0)
    assert [dataset.source_of(index) for index in range(3)] == ["episode 0", "episode 1", "episode 2"]
    assert set(dataset.read(0, cameras=("wrist",)).images) == {"wrist"}


def test_videos_are_read_in_av1(tmp_path):
    made = V2Folder(tmp_path / "set", recordings=[recording(0, 6, size=(64, 96))])
    path, frames = made.write(), made.recordings[0].images["observation.images.top"]
    write_mp4(made.video(0, "observation.images.top"), frames, "libsvtav1")
    difference = LeRobotDataset(path).read(0).images["top"].astype(int) - frames
    assert np.abs(difference).max() <= 8


def test_a_store_is_built_and_split_by_episode(folder):
    store = build_store(open_sources([LeRobotConfig(path=folder.path, cameras=("wrist",), holdout=0.3)]))
    assert len(store) == 5 + 6 + 7
    np.testing.assert_array_equal(store.actions[5:11], folder.recordings[1].actions)
    assert store.episodes.held_out.sum() == 1


def test_an_episode_with_several_sentences_is_read_in_spans(tmp_path):
    made = V2Folder(tmp_path / "set", recordings=[recording(0, 4), recording(1, 9, [0, 0, 0, 1, 1, 0, 0, 0, 0])])
    dataset = LeRobotDataset(made.write())
    assert dataset.lengths() == [4, 3, 2, 4]
    episodes = list(dataset)
    assert [one.instruction for one in episodes] == [TASKS[0], TASKS[0], TASKS[1], TASKS[0]]
    np.testing.assert_array_equal(np.concatenate([one.actions for one in episodes[1:]]), made.recordings[1].actions)
    pixels = np.concatenate([one.images["top"] for one in episodes[1:]]).astype(int)
    assert np.abs(pixels - made.recordings[1].images["observation.images.top"]).max() <= 4
    assert [dataset.source_of(index) for index in range(4)] == ["episode 0"] + ["episode 1"] * 3


def test_other_names_of_features(folder):
    info = json.loads((folder.path / "meta/info.json").read_text())
    text = json.dumps(info).replace('"observation.images.top"', '"image"').replace('"action"', '"actions"')
    (folder.path / "meta/info.json").write_text(text.replace('"observation.state"', '"state"'))
    for index in range(3):
        file = folder.video(index, "observation.images.top")
        (file.parents[1] / "image").mkdir(exist_ok=True)
        shutil.move(file, file.parents[1] / "image" / file.name)
    with pytest.raises(UnknownName, match=r"Unknown feature 'action'. Did you mean 'actions'"):
        LeRobotDataset(folder.path)
    with pytest.raises(UnknownName, match=r"Unknown feature 'stat'. Did you mean 'state'"):
        LeRobotDataset(folder.path, action_feature="actions", state_feature="stat")
    dataset = LeRobotConfig(path=folder.path, action_feature="actions", state_feature="state").open()
    assert dataset.observation_spec.camera_names == ("image", "wrist")
    assert (dataset.action_spec.dims, dataset.observation_spec.state_dims) == (7, 4)


def test_images_beside_the_tables(tmp_path):
    made = V2Folder(tmp_path / "set", videos=False, recordings=[recording(0, 3)])
    path = made.write()
    expected = LeRobotDataset(path).read(0).images["top"]
    (path / "images").mkdir()

    def move(rows):
        for number, row in enumerate(rows):
            cell = row["observation.images.top"]
            (path / f"images/{number}.png").write_bytes(cell["bytes"])
            cell.update(bytes=None, path=f"images/{number}.png")

    made.change_rows(0, move)
    np.testing.assert_array_equal(LeRobotDataset(path).read(0).images["top"], expected)
    made.change_rows(0, lambda rows: rows[1]["observation.images.top"].update(path="../outside.png"))
    with pytest.raises(CorruptData, match=r"episode_000000.parquet, row 1, .*leads out of the data set"):
        LeRobotDataset(path).read(0)
    made.change_rows(0, lambda rows: rows[1]["observation.images.top"].update(path=None))
    with pytest.raises(CorruptData, match=r"row 1, column 'observation.images.top': there is no image"):
        LeRobotDataset(path).read(0)


class TestDamage:
    def test_unknown_versions(self, folder):
        for version in ("v1.6", "v4.0", None):
            folder.change_info(codebase_version=version)
            with pytest.raises(
                UserError, match=rf"got codebase_version '?{version}'?, expected one of v2.0, v2.1, v3.0"
            ):
                LeRobotDataset(folder.path)

    def test_an_incomplete_info(self, folder):
        folder.change_info(fps="fast")
        with pytest.raises(CorruptData, match=r"info.json: field 'fps'"):
            LeRobotDataset(folder.path)

    @pytest.mark.parametrize("name", ["tasks.jsonl", "episodes.jsonl"])
    def test_missing_and_broken_metadata(self, folder, name):
        folder.change_line(name, 2, '{"task_index": 1, ')
        with pytest.raises(CorruptData, match=rf"{name}, line 2 is not valid JSON"):
            LeRobotDataset(folder.path)
        (folder.path / "meta" / name).unlink()
        with pytest.raises(CorruptData, match=rf"{name} is missing"):
            LeRobotDataset(folder.path)

    def test_language_that_is_not_utf8(self, folder):
        folder.change_line("tasks.jsonl", 2, '{"task_index": 1, "task": "öffne"}'.encode("latin-1"))
        with pytest.raises(CorruptData, match=r"tasks.jsonl, line 2: the text is not UTF-8"):
            LeRobotDataset(folder.path)

    def test_tasks(self, folder):
        folder.change_line("tasks.jsonl", 2, '{"task_index": 0, "task": "again"}')
        with pytest.raises(CorruptData, match=r"tasks.jsonl, line 2: got task 0 'again', expected a new number"):
            LeRobotDataset(folder.path)
        folder.change_line("tasks.jsonl", 2, '{"task_index": 7, "task": "another"}')
        with pytest.raises(CorruptData, match=r"episode_000001.parquet, row 0: task 1 is not in the table of tasks"):
            LeRobotDataset(folder.path).read(1)

    def test_a_sentence_that_changes_unannounced(self, folder):
        folder.change_rows(0, lambda rows: rows[3].update(task_index=1))
        with pytest.raises(CorruptData, match=r"episode_000000.parquet, row 3: got task 1, expected 0"):
            LeRobotDataset(folder.path).read(0)

    def test_duplicate_episodes(self, folder):
        folder.change_line("episodes.jsonl", 3, '{"episode_index": 0, "tasks": ["close it"], "length": 5}')
        with pytest.raises(CorruptData, match=r"episodes.jsonl, line 3: episode 0 stands twice, first at .*line 1"):
            LeRobotDataset(folder.path)

    @pytest.mark.parametrize("length", [0, -1, None, "5"])
    def test_episodes_without_frames(self, folder, length):
        folder.change_line("episodes.jsonl", 2, json.dumps({"episode_index": 1, "tasks": [], "length": length}))
        with pytest.raises(CorruptData, match=rf"episodes.jsonl, line 2: got episode_index 1 and length {length}"):
            LeRobotDataset(folder.path)

    def test_another_number_of_episodes(self, folder):
        folder.change_info(total_episodes=4)
        with pytest.raises(CorruptData, match=r"info.json says 4 episodes, but their table has 3"):
            LeRobotDataset(folder.path)

    def test_a_table_of_another_length(self, folder):
        folder.change_rows(1, lambda rows: rows.pop())
        with pytest.raises(CorruptData, match=r"episode_000001.parquet: got 5 rows, but .* episode 1 has 6"):
            LeRobotDataset(folder.path).read(1)

    def test_frames_of_another_episode(self, folder):
        folder.change_rows(1, lambda rows: rows[2].update(episode_index=0))
        with pytest.raises(CorruptData, match="should be the frames of episode 1"):
            LeRobotDataset(folder.path).read(1)

    @pytest.mark.parametrize(("length", "message"), [(4, "got 4 frames"), (6, "got more than 5 frames")])
    def test_a_video_of_another_length(self, folder, length, message):
        write_mp4(folder.video(0, "observation.images.top"), recording(0, length).images["observation.images.top"])
        dataset = LeRobotDataset(folder.path)
        with pytest.raises(CorruptData, match=rf"observation.images.top/episode_000000.mp4: {message} .*, expected 5"):
            dataset.read(0)
        assert len(dataset.read(0, cameras=("wrist",))) == 5  # nothing is decoded that nobody asked for

    def test_a_video_of_another_size(self, folder):
        write_mp4(folder.video(0, "observation.images.top"), recording(0, 5).images["observation.images.wrist"])
        with pytest.raises(
            CorruptData, match=r"episode_000000.mp4: got frames of \(32, 32\) pixels, expected \(16, 24"
        ):
            LeRobotDataset(folder.path).read(0)

    def test_a_corrupt_video(self, folder):
        file = folder.video(0, "observation.images.wrist")
        write_mp4(file, np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8))
        LeRobotDataset(folder.path).read(0)
        whole = file.read_bytes()
        dataset, messages = LeRobotDataset(folder.path), set()
        for middle in range(whole.index(b"mdat") + 1000, whole.index(b"moov") - 100, 150):
            file.write_bytes(whole[:middle] + b"Z" * 16 + whole[middle + 16 :])
            try:
                dataset.read(0, ("wrist",))  # an mp4 has no checksum: some damage decodes
            except CorruptData as error:
                messages.add(str(error).split("observation.images.wrist/")[1])
        assert any(re.match(r"episode_000000.mp4: frame \d is damaged", message) for message in messages)
        assert any(re.match(r"episode_000000.mp4: the video cannot be read", message) for message in messages)
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CorruptData, match=r"wrist/episode_000000.mp4: the video cannot be read"):
            LeRobotDataset(folder.path).read(0)
        file.unlink()
        with pytest.raises(CorruptData, match=r"episode_000000.mp4: the video cannot be read"):
            LeRobotDataset(folder.path).read(0)

    def test_a_bad_number(self, folder):
        folder.change_rows(2, lambda rows: rows[4]["action"].__setitem__(0, float("inf")))
        with pytest.raises(CorruptData, match=r"episode_000002.parquet, row 4: .*'action', expected 7 finite numbers"):
            LeRobotDataset(folder.path).read(2)

    @pytest.mark.parametrize(
        ("template", "message"),
        [
            ("../../etc/{episode_index}.parquet", "leads out of the data set"),
            ("/etc/{episode_index}.parquet", "leads out of the data set"),
            ("//etc/{episode_index}.parquet", "leads out of the data set"),
            ("data/../../{episode_index}.parquet", "leads out of the data set"),
            ("data/{chunk_index:03d}.parquet", r"asks for \['chunk_index'\], expected only"),
            ("data/{episode_index.__class__}", "asks for"),
            ("data/{episode_index:03d", "cannot be filled in"),
            ("data/{}", "asks for"),
        ],
    )
    def test_path_templates(self, folder, template, message):
        folder.change_info(data_path=template, video_path=template)
        dataset = LeRobotDataset(folder.path)
        with pytest.raises(CorruptData, match=rf"info.json, path template .*{message}"):
            dataset.read(0)

    def test_half_of_a_character(self, folder):
        folder.change_line("tasks.jsonl", 2, '{"task_index": 1, "task": "pull \\udcff"}')
        with pytest.raises(CorruptData, match=r"tasks.jsonl, line 2: the sentence .* is not UTF-8"):
            LeRobotDataset(folder.path)
