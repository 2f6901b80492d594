from pathlib import Path

import numpy as np
import pytest
from calvin_files import frame, write_folder

from robovlms.actions.calvin import ABSOLUTE_ACTIONS, RELATIVE_ACTIONS, ROBOT_STATE
from robovlms.actions.delta_pose import delta_pose_spec
from robovlms.actions.spec import Camera, ObservationSpec
from robovlms.core.errors import CorruptData, SpecMismatch, UnknownName, UserError
from robovlms.core.types import Episode
from robovlms.data.calvin import writer as calvin_writer
from robovlms.data.calvin.dataset import CALVINDataset
from robovlms.data.calvin.writer import CALVINWriter

CAMERAS = (Camera(name="rgb_static", height=20, width=20), Camera(name="rgb_gripper", height=8, width=8))
OBSERVATIONS = ObservationSpec(cameras=CAMERAS, state=ROBOT_STATE, rate_hz=30)


def episode(length=3, first=0, **info):
    frames = [frame(first + number) for number in range(length)]
    return Episode(
        images={camera.name: np.stack([f[camera.name] for f in frames]) for camera in CAMERAS},
        state=np.stack([f["robot_obs"] for f in frames]).astype(np.float32),
        actions=np.stack([f["rel_actions"] for f in frames]).astype(np.float32),
        instruction=f"sentence {first}",
        task="open_drawer",
        info=info,
    )


def written(folder: Path, *episodes, actions=RELATIVE_ACTIONS, observations=OBSERVATIONS):
    with CALVINWriter(folder, actions, observations) as writer:
        for one in episodes:
            writer.add(one)
    return folder / "training"


def equal(a, b):
    for name in a.images:
        np.testing.assert_array_equal(a.images[name], b.images[name])
    np.testing.assert_array_equal(a.state, b.state)
    np.testing.assert_array_equal(a.actions, b.actions)
    return (a.instruction, a.task) == (b.instruction, b.task)


def test_what_is_read_is_written_and_read_again(tmp_path):
    annotations = [((2, 5), "open_drawer", "pull"), ((1, 4), "close_drawer", "push"), ((12, 14), "open_drawer", "pull")]
    scenes = {"calvin_scene_B": [0, 9], "calvin_scene_C": [10, 15]}
    first = CALVINDataset(write_folder(tmp_path / "a" / "training", [(0, 6), (10, 15)], annotations, scenes))
    episodes = [first.read(index) for index in range(3)]
    second = CALVINDataset(written(tmp_path / "b", *episodes, observations=first.observation_spec))
    assert second.observation_spec == first.observation_spec
    assert all(equal(episodes[index], second.read(index)) for index in range(3))
    assert [second.source_of(index) for index in range(3)] == ["frames 0 to 6", "frames 0 to 6", "frames 10 to 15"]
    assert [span.scene for span in second.spans] == ["B", "B", "C"]


def test_the_layout_on_disk(tmp_path):
    one, two, three = episode(3, scene="A"), episode(2, 10, scene="B"), episode(4, 20, scene="A")
    folder = written(tmp_path / "set", one, two, three)
    numbers = [*range(4), *range(4, 9), *range(1_000_000, 1_000_003)]
    assert sorted(file.name for file in folder.glob("*.npz")) == [f"episode_{n:07d}.npz" for n in numbers]
    np.testing.assert_array_equal(np.load(folder / "ep_start_end_ids.npy"), [[0, 3], [1_000_000, 1_000_002], [4, 8]])
    np.testing.assert_array_equal(np.load(folder / "ep_lens.npy"), [4, 3, 5])
    scenes = np.load(folder / "scene_info.npy", allow_pickle=True).item()
    assert scenes == {"calvin_scene_A": [0, 8], "calvin_scene_B": [1_000_000, 1_000_002]}
    found = np.load(folder / "lang_annotations" / "auto_lang_ann.npy", allow_pickle=True).item()
    assert found["language"]["ann"] == ["sentence 0", "sentence 10", "sentence 20"]
    assert found["info"]["indx"] == [(0, 3), (1_000_000, 1_000_002), (4, 8)]
    with np.load(folder / "episode_0000002.npz") as last, np.load(folder / "episode_0000003.npz") as still:
        assert set(last) == {"rgb_static", "rgb_gripper", "robot_obs", "scene_obs", "actions", "rel_actions"}
        assert {last[name].dtype for name in ("actions", "rel_actions", "robot_obs", "scene_obs")} == {np.dtype(float)}
        np.testing.assert_array_equal(still["rgb_static"], last["rgb_static"])
        np.testing.assert_array_equal(still["rel_actions"], [0, 0, 0, 0, 0, 0, last["rel_actions"][6]])
        assert np.isnan(still["scene_obs"]).all()


def test_both_kinds_of_actions_are_there(tmp_path):
    relative = episode()
    with np.load(written(tmp_path / "a", relative) / "episode_0000001.npz") as found:
        way = found["actions"][:6] - found["robot_obs"][:6]
        expected = relative.actions[1, :6] * ([0.02] * 3 + [0.05] * 3)
        np.testing.assert_allclose((way + np.pi) % (2 * np.pi) - np.pi, expected, atol=1e-6)
    near = relative.state[:, :6] + np.array([0.01, -0.03, 0.002, 0.025, -0.1, 0], np.float32)
    absolute = Episode(relative.images, relative.state, np.column_stack([near, [1, -1, 1]]).astype(np.float32), "go")
    with np.load(written(tmp_path / "b", absolute, actions=ABSOLUTE_ACTIONS) / "episode_0000001.npz") as found:
        np.testing.assert_allclose(found["rel_actions"], [0.5, -1, 0.1, 0.5, -1, 0, -1], atol=1e-4)
    assert equal(CALVINDataset(tmp_path / "b/training", "actions").read(0), absolute)


def test_episodes_without_a_scene(tmp_path):
    folder = written(tmp_path / "set", episode(), episode(2, source="log 4"))
    assert not (folder / "scene_info.npy").exists()
    dataset = CALVINDataset(folder)
    assert [dataset.source_of(index) for index in range(2)] == ["Episode 0", "log 4"]
    assert dataset.observation_spec == OBSERVATIONS  # the scene's state was not recorded


def test_nothing_is_half_written(tmp_path):
    def interrupted():
        with CALVINWriter(tmp_path / "set", RELATIVE_ACTIONS, OBSERVATIONS) as writer:
            writer.add(episode())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(UserError, match=r"No episode was added, so .*set was not written"):
        written(tmp_path / "set")
    assert not list(tmp_path.iterdir())
    written(tmp_path / "set", episode())
    with pytest.raises(UserError, match="already exists and is not empty"):
        written(tmp_path / "set", episode())


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"actions": delta_pose_spec(0.04, 0.25, 10)}, SpecMismatch, r"(?s)scale: 0.04 against 0.02.*Retrain"),
        ({"observations": OBSERVATIONS.model_copy(update={"rate_hz": 10})}, SpecMismatch, "rate_hz: 10 against 30"),
        ({"observations": OBSERVATIONS.select(["rgb_static"])}, UnknownName, "Unknown camera 'rgb_gripper'"),
        ({"observations": OBSERVATIONS.select(None, [])}, UnknownName, "state component 'tcp_position'"),
        (
            {
                "observations": OBSERVATIONS.model_copy(
                    update={"cameras": (*CAMERAS, CAMERAS[0].model_copy(update={"name": "top"}))}
                )
            },
            UserError,
            "Camera 'top': expected a name such as rgb_static",
        ),
    ],
)
def test_other_conventions_are_refused(tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        written(tmp_path / "set", **settings)
    assert not list(tmp_path.iterdir())


def test_episodes_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    good = episode()
    bad = [
        (
            Episode(good.images, good.state[:, :14], good.actions, "go"),
            UserError,
            r"Episode 0: got arrays of .*\(3, 14\)",
        ),
        (Episode({}, good.state, good.actions, "go"), UserError, "Episode 0: got arrays of"),
        (Episode(good.images, good.state, good.actions * 3, "go"), CorruptData, "Episode 0, frame 0: action component"),
        (episode(1, scene="A"), UserError, "more than 1 frames a scene and"),
    ]
    monkeypatch.setattr(calvin_writer, "FRAMES_PER_SCENE", 1)
    for one, error, message in bad:
        with pytest.raises(error, match=message):
            written(tmp_path / "set", one)
    assert not list(tmp_path.iterdir())
