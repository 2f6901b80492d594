"""BDRBench-20 in the layout of its card."""

import json

import numpy as np
import pytest
from bdrbench_files import PARTS, SIZES, annotation, pixels, write, write_bdrbench

from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.images import encode_video
from robovlms.data.sources import BDRBenchConfig
from robovlms.data.store.build import build_store, open_sources


@pytest.fixture
def folder(tmp_path):
    return write_bdrbench(tmp_path)


def opened(folder, **settings):
    return BDRBenchConfig(path=folder, **settings).open()


def test_episodes_are_the_annotated_parts_of_the_videos(folder):
    data = opened(folder)
    assert data.lengths() == [6, 7, 5]
    assert data.observation_spec.camera_names == ("rgb", "hand_rgb")
    assert (data.observation_spec.state_dims, data.observation_spec.rate_hz, data.action_spec.dims) == (6, 10, 7)
    for index, name in enumerate(PARTS):
        recording, start, end, text = PARTS[name]
        episode, expected = data.read(index), annotation(name)
        assert episode.instruction == text
        np.testing.assert_allclose(episode.actions, expected["action"], rtol=1e-6)
        np.testing.assert_allclose(episode.state, expected["state"], rtol=1e-6)
        for camera in SIZES:
            shown = pixels(recording, camera, end)[start:end].astype(int)
            assert np.abs(episode.images[camera].astype(int) - shown).max() <= 4  # a step is 15 levels
    assert list(data.read(0, ("hand_rgb",)).images) == ["hand_rgb"]


def test_parts_of_one_recording_are_held_out_together(folder):
    table = build_store(open_sources([BDRBenchConfig(path=folder, cameras=("rgb",), holdout=0.4)])).episodes
    held = table.held_out.tolist()
    assert held[0] == held[1] != held[2]


def test_a_range_may_count_its_end_and_data_may_have_no_state(folder):
    for name in PARTS:
        content = annotation(name)
        del content["state"]
        for video in content["videos"]:
            video["end"] -= 1
        write(folder, name, content)
    data = opened(folder)
    assert (data.lengths(), data.read(0).state.shape) == ([6, 7, 5], (6, 0))


def test_other_names_are_settings(folder):
    for name in PARTS:
        content = annotation(name)
        content["actions"] = content.pop("action")
        for video in content["videos"]:
            video["path"] = video.pop("video_path")
        write(folder, name, content)
    with pytest.raises(CorruptData, match=r"100\.json has no 'action'; it has \['actions', .*Set keys"):
        opened(folder)
    settings = {"path": str(folder), "keys": {"actions": "actions", "path": "path"}}
    assert len(validate(BDRBenchConfig, settings).open()) == 3


def test_the_fingerprint_follows_annotations_and_videos(folder):
    before = opened(folder).fingerprint()
    assert opened(folder).fingerprint() == before
    write(folder, "100", annotation("100") | {"texts": ["another"]})
    changed = opened(folder).fingerprint()
    (folder / "media/train/9/rgb.mp4").write_bytes(b"0" * 10)
    assert len({before, changed, opened(folder).fingerprint()}) == 3


def changed(**changes):
    return annotation("101") | changes


def video(**changes):
    first, second = annotation("101")["videos"]
    return changed(videos=[first | changes, second])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"texts": ', r"101\.json is not valid JSON"),
        ("[]", "got list at the top, expected dict"),
        (changed(texts=["one", "two"]), "expected a list of one sentence"),
        (changed(texts=[" "]), "expected a list of one sentence"),
        (changed(texts=["pull \udcff"]), r"101\.json: the sentence .* is not UTF-8"),
        (changed(action=[[0.0] * 7] * 6, state=[[0.0] * 6] * 6), r"video 0: got frames 6 to 13 and 6 actions"),
        (changed(action=[[0.0] * 7] * 6 + [[0.0] * 6]), "rows of different lengths"),
        (changed(action=[[0.0] * 7] * 6 + [[float("nan")] * 7]), r"'action', row 6: got .*expected finite numbers"),
        (changed(action=[[0.0] * 6] * 7), "6 action and 6 state dimensions, expected .* 7 action"),
        (changed(state=[[0.0] * 6] * 6), "got 6 states and 7 actions"),
        (changed(videos=[]), "expected one for each camera"),
        (changed(videos=["rgb.mp4"]), "video 0: got 'rgb.mp4', expected an object"),
        (video(video_path="media/train/7/hand_rgb.mp4"), "expected one for each camera"),
        (video(video_path="../outside/rgb.mp4"), r"video 0 leads out of the data set: '\.\./outside/rgb\.mp4'"),
        (video(video_path="/etc/rgb.mp4"), "leads out of the data set"),
        (video(video_path="media/train/8/rgb.mp4"), r"media/train/8/rgb\.mp4 is missing"),
        (video(start=-1, end=6), "got frames -1 to 6"),
        (video(start=True), "'start': got True, expected int"),
        (video(end="13"), "'end': got '13', expected int"),
    ],
)
def test_a_wrong_annotation_is_named(folder, content, message):
    write(folder, "101", content)
    with pytest.raises(CorruptData, match=message):
        opened(folder)


def test_damaged_and_short_videos_are_named(folder):
    write(folder, "102", annotation("102") | {"action": [[0.0] * 7] * 7, "state": [[0.0] * 6] * 7})
    content = json.loads((folder / "anns/train/102.json").read_text())
    for one in content["videos"]:
        one["end"] = 9
    write(folder, "102", content)
    with pytest.raises(CorruptData, match=r"9/rgb\.mp4: got 6 frames"):
        opened(folder).read(2)
    data = opened(folder)
    (folder / "media/train/7/rgb.mp4").write_bytes(b"no video")
    with pytest.raises(CorruptData, match=r"7/rgb\.mp4: the video cannot be read"):
        data.read(0)
    other = np.zeros((8, 16, 48, 3), np.uint8)
    (folder / "media/train/9/rgb.mp4").write_bytes(encode_video(other, 10))
    with pytest.raises(CorruptData, match=r"9/rgb\.mp4: got VideoFacts\(height=16.*expected VideoFacts\(height=32"):
        data.read(2)


def test_what_is_not_there_is_said(folder, tmp_path):
    with pytest.raises(UserError, match="holds no folder 'anns'"):
        opened(tmp_path / "media")
    with pytest.raises(UnknownName, match=r"Unknown split 'tran'\. Did you mean 'train'"):
        opened(folder, split="tran")
    (folder / "anns" / "val").mkdir()
    with pytest.raises(UserError, match="holds no annotation"):
        opened(folder, split="val")
