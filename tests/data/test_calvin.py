import os
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from calvin_files import ANNOTATIONS, annotated, frame, write_folder

from robovlms.actions.spec import ImageSpec
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.data.detect import detect
from robovlms.data.sources import CALVINConfig
from robovlms.data.store.build import build_store, open_sources


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("calvin") / "training").parent


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "task_BC_D")


def config(path, **settings):
    return validate(CALVINConfig, {"path": path, **settings})


def test_an_episode_is_an_annotated_span_without_its_end(root):
    dataset = config(root).open()
    assert dataset.lengths() == [9, 12, 18, 9, 34]
    episode = dataset.read(2)
    frames = [frame(number) for number in range(42, 60)]
    for name in ("rgb_static", "rgb_gripper"):
        np.testing.assert_array_equal(episode.images[name], [f[name] for f in frames])
    np.testing.assert_allclose(episode.actions, [f["rel_actions"] for f in frames], rtol=1e-6)
    state = [np.append(f["robot_obs"], f["scene_obs"]) for f in frames]
    np.testing.assert_allclose(episode.state, state, rtol=1e-6)
    assert (episode.instruction, episode.task) == ("open the drawer", "open_drawer")
    assert (episode.info["scene"], dataset.read(3).info["scene"]) == ("B", "C")


def test_conventions(root):
    spec = config(root).open().action_spec
    position, rotation, gripper = spec.components
    assert (position.scale, position.unit, rotation.scale, rotation.unit) == (0.02, "m", 0.05, "rad")
    assert (rotation.rotation, gripper.gripper_closed, gripper.gripper_open) == ("euler_xyz", -1, 1)
    assert (spec.rate_hz, spec.dims, position.low, position.high) == (30, 7, -1, 1)
    dataset = config(root, actions="actions").open()
    assert [component.kind for component in dataset.action_spec.components] == ["position", "rotation", "gripper"]
    np.testing.assert_allclose(dataset.read(0).actions[0], frame(3)["actions"], rtol=1e-6)


def test_only_what_is_asked_for_is_read(root, monkeypatch):
    read = set()
    original = zipfile.ZipFile.open
    dataset = config(root).open()
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, name: (read.add(name), original(self, name))[1])
    assert list(dataset.read(0, ("rgb_gripper",)).images) == ["rgb_gripper"]
    assert read == {"rgb_gripper.npy", "rel_actions.npy", "robot_obs.npy", "scene_obs.npy"}
    with pytest.raises(UnknownName, match=r"Unknown camera 'depth_static'. Did you mean 'rgb_static'"):
        dataset.read(0, ("depth_static",))


def test_spans_of_one_recording_belong_together(root):
    dataset = config(root).open()
    sources = [dataset.source_of(index) for index in range(5)]
    assert sources[0] == sources[1] == "frames 0 to 29"
    assert sources[3] == sources[4] == "frames 100 to 139"
    assert len(set(sources)) == 3
    store = build_store(open_sources([config(root, holdout=0.3)]), image=ImageSpec(size=8))
    assert tuple(store.images) == ("rgb_static", "rgb_gripper")
    assert store.observation_spec.state_dims == 15
    assert len(store) == 82
    held = store.episodes.held_out
    assert 0 < held.sum() < 5
    assert held[0] == held[1]
    assert held[3] == held[4]


def test_the_state_of_the_scene_is_there_for_those_who_ask(root):
    opened = open_sources([config(root, state=("drawer", "pink_block_orientation"))])
    store = build_store(opened, image=ImageSpec(size=8))
    expected = frame(3)["scene_obs"][[1, 21, 22, 23]]
    np.testing.assert_allclose(store.state[0], expected, rtol=1e-6)


@pytest.mark.parametrize("digits", [6, 9])
def test_names_have_any_number_of_digits(tmp_path, digits):
    rows = [((101, 110), "close_drawer", "push the drawer in")]
    write_folder(tmp_path / "validation", [(100, 110)], rows, scenes=None, digits=digits)
    for path in (tmp_path, tmp_path / "validation"):
        dataset = config(path, split="validation").open()
        assert len(dataset.read(0)) == 9
        assert dataset.read(0).info["scene"] == ""
    with pytest.raises(UserError, match=r"scene_info.npy is missing, so scenes cannot be chosen"):
        config(tmp_path, split="validation", scenes="D").open()


def test_other_annotations(root):
    again = [(span, task, text.upper()) for span, task, text in ANNOTATIONS]
    language = annotated(again)
    del language["language"]["emb"]
    (root / "training" / "lang_BERT").mkdir()
    np.save(root / "training" / "lang_BERT" / "auto_lang_ann.npy", language)
    assert config(root, annotations="lang_BERT").open().read(1).instruction == "LIFT THE RED BLOCK"


class TestSubsets:
    def test_scenes(self, root):
        assert config(root, scenes="B").open().lengths() == [9, 12, 18]
        assert config(root, scenes="CB").open().lengths() == [9, 12, 18, 9, 34]
        with pytest.raises(UnknownName, match=r"scene in .*scene_info.npy: 'D'. Choices: B, C"):
            config(root, scenes="CD").open()

    def test_a_share_is_part_of_a_larger_one_whatever_the_order_of_rows(self, tmp_path):
        many = [((start, start + 9), f"task_{start % 4}", "do it") for start in range(40)]
        for name, rows in (("a", many), ("b", many[::-1])):
            write_folder(tmp_path / name, segments=[(0, 50)], annotations=rows, scenes=None)

        def starts(name, **settings):
            return {span.start for span in config(tmp_path / name, **settings).open().spans}

        tenth, half = starts("a", fraction=0.1), starts("a", fraction=0.5)
        assert (len(tenth), len(half)) == (4, 20)
        assert tenth < half
        assert tenth == starts("b", fraction=0.1)
        assert tenth != starts("a", fraction=0.1, seed=1)
        chosen = config(tmp_path / "a", per_task=3).open().spans
        assert sorted(span.task for span in chosen) == [f"task_{k}" for k in range(4) for _ in range(3)]
        assert [span.row for span in chosen] == sorted(span.row for span in chosen)
        with pytest.raises(UserError, match=r"got {'task_\d': 10.*expected 30 of each task"):
            config(tmp_path / "a", per_task=30).open()

    def test_published_lists(self, root, tmp_path):
        (tmp_path / "data_name_list.txt").write_text("0 42 60 \n1 3 12 \n")
        (tmp_path / "10_shot_task_data.json").write_text('{"open_drawer": [[105, 139]], "close_drawer": [[101, 110]]}')
        assert config(root, spans=tmp_path / "data_name_list.txt").open().lengths() == [9, 18]
        assert config(root, spans=tmp_path / "10_shot_task_data.json").open().lengths() == [9, 34]
        (tmp_path / "data_name_list.txt").write_text("0 42 60\n1 3 13\n")
        with pytest.raises(UserError, match=r"lists 1 spans that are not annotated, such as \(3, 13\)"):
            config(root, spans=tmp_path / "data_name_list.txt").open()
        (tmp_path / "data_name_list.txt").write_text("0 42\n")
        with pytest.raises(CorruptData, match=r"data_name_list.txt: got .*expected lines of a number"):
            config(root, spans=tmp_path / "data_name_list.txt").open()

    def test_one_at_a_time(self, root):
        with pytest.raises(UserError, match="got fraction and per_task, expected one of them"):
            config(root, fraction=0.1, per_task=10)


def test_folders_that_are_links(root, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "training").symlink_to(root / "training", target_is_directory=True)
    assert detect(tmp_path / "links") == "calvin"


class _Forbidden:
    def __reduce__(self):
        return os.system, ("touch forbidden",)


class TestDamage:
    """Every message names the file, and the row of the annotation."""

    @pytest.fixture
    def folder(self, root):
        return root / "training"

    def change(self, folder, number, **arrays):
        kept = {name: values for name, values in frame(number).items() if arrays.get(name, values) is not None}
        changed = {name: values for name, values in arrays.items() if values is not None}
        np.savez_compressed(folder / f"episode_{number:07d}.npz", **kept | changed)

    def annotate(self, folder, language):
        np.save(folder / "lang_annotations" / "auto_lang_ann.npy", language)

    def refused(self, root, message, index=1):
        with pytest.raises(CorruptData, match=message):
            config(root).open().read(index)

    def test_frames(self, root, folder):
        path = folder / "episode_0000013.npz"
        where = r"episode_0000013.npz \(.*auto_lang_ann.npy, row 1\)"
        path.write_bytes(path.read_bytes()[:-100])
        self.refused(root, where + " cannot be read")
        self.change(folder, 13)
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 255
        path.write_bytes(data)
        self.refused(root, where + " cannot be read")
        path.unlink()
        self.refused(root, where + " is missing")
        assert len(config(root).open().read(0)) == 9  # the others are well

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [
            ("rel_actions", np.full(7, np.nan), r"got \[nan.*in 'rel_actions', expected finite numbers"),
            ("rel_actions", np.zeros(8), r"'rel_actions' is float64 of shape \(8,\), expected numbers of \(7,\)"),
            ("robot_obs", np.full(15, 1e200), "in 'robot_obs', expected finite numbers"),
            ("rgb_static", np.zeros((20, 21, 3), np.uint8), r"'rgb_static' is uint8 of shape \(20, 21, 3\)"),
            ("rgb_gripper", np.zeros((8, 8, 3)), r"'rgb_gripper' is float64 .* expected uint8 of \(8, 8, 3\)"),
            ("rel_actions", None, ": 'rel_actions'. Did you mean 'actions'"),
            ("rel_actions", np.array([_Forbidden()] * 7), "cannot be read .*allow_pickle=False"),
        ],
    )
    def test_arrays(self, root, folder, name, values, message):
        self.change(folder, 13, **{name: values})
        self.refused(root, r"episode_0000013.npz \(.*auto_lang_ann.npy, row 1\).*" + message)

    def test_a_long_reason_is_cut(self, root, folder):
        path = folder / "episode_0000013.npz"
        np.savez(path, **frame(13))
        data = bytearray(path.read_bytes())
        data[26:28] = (2000).to_bytes(2, "little")  # the length of the name of the first array, "actions"
        path.write_bytes(data)
        with pytest.raises(CorruptData, match="cannot be read") as caught:
            config(root, actions="actions").open().read(1)
        assert len(str(caught.value)) < 700

    @pytest.mark.parametrize("name", ["ep_start_end_ids.npy", "scene_info.npy", "lang_annotations/auto_lang_ann.npy"])
    def test_a_header_that_does_not_end(self, root, folder, name):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data.replace(b"}", b"(", 1))
        self.refused(root, rf"{name} is damaged")

    @pytest.mark.parametrize(
        ("text", "message"),
        [(b"pull", "got b'pull' as the sentence, expected a text"), ("\ud800", "the sentence is not UTF-8")],
    )
    def test_sentences(self, root, folder, text, message):
        rows = list(ANNOTATIONS)
        rows[3] = (rows[3][0], rows[3][1], text)
        self.annotate(folder, annotated(rows))
        self.refused(root, rf"auto_lang_ann.npy, row 3.*{message}")

    @pytest.mark.parametrize(
        ("span", "message"),
        [
            ((25, 35), r"got span \(25, 35\), but no segment of ep_start_end_ids.npy holds it"),
            ((30, 40), r"got span \(30, 40\), but no segment"),
            ((0, 31), r"got span \(0, 31\), but no segment"),
            ((12, 12), r"got span \(12, 12\), but no frame is in it"),
        ],
    )
    def test_spans(self, root, folder, span, message):
        self.annotate(folder, annotated([*ANNOTATIONS, (span, "open_drawer", "pull")]))
        self.refused(root, f"auto_lang_ann.npy, row 5: {message}")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda found: found["language"].pop("task"), r"got NoneType at \['language'\]\['task'\], expected a list"),
            (lambda found: found["language"]["ann"].pop(), "'ann': 4, 'task': 5, 'indx': 5.*expected equally many"),
            (lambda found: found["info"]["indx"].insert(0, (1.5, 3)) or found["info"]["indx"].pop(), "row 0: got"),
            (lambda found: found.pop("info"), r"got NoneType at \['info'\]\['indx'\]"),
        ],
    )
    def test_annotations(self, root, folder, change, message):
        language = annotated()
        change(language)
        self.annotate(folder, language)
        self.refused(root, "auto_lang_ann.npy.*" + message)

    def test_a_pickle_that_wants_to_run_something(self, root, folder, monkeypatch):
        monkeypatch.chdir(root)
        self.annotate(folder, annotated() | {"more": _Forbidden()})
        self.refused(root, r"auto_lang_ann.npy: the pickle asks for '\w+.system', expected plain data only")
        np.save(folder / "lang_annotations" / "auto_lang_ann.npy", np.array([_Forbidden()]))
        self.refused(root, "the pickle asks for")
        assert not Path("forbidden").exists()

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_plain_pickles_of_any_age_are_read(self, root, folder, protocol):
        with (folder / "lang_annotations" / "auto_lang_ann.npy").open("wb") as file:
            header = {"descr": "|O", "fortran_order": False, "shape": ()}
            np.lib.format.write_array_header_1_0(file, header)
            data = pickle.dumps(np.array(annotated(), dtype=object), protocol)
            file.write(data.replace(b"numpy._core", b"numpy.core") if protocol < 4 else data)  # numpy 1's name
        assert config(root).open().lengths() == [9, 12, 18, 9, 34]

    def test_other_files(self, root, folder):
        whole = (folder / "lang_annotations" / "auto_lang_ann.npy").read_bytes()
        for data in (whole[:-200], b"", b"not numpy", whole[:20]):
            (folder / "lang_annotations" / "auto_lang_ann.npy").write_bytes(data)
            self.refused(root, "auto_lang_ann.npy")
        np.save(folder / "lang_annotations" / "auto_lang_ann.npy", np.arange(3))
        self.refused(root, "auto_lang_ann.npy is damaged .*it holds int64, not a pickled dictionary")
        self.annotate(folder, annotated())
        np.save(folder / "ep_start_end_ids.npy", np.zeros((3, 3), np.int64))
        self.refused(root, r"ep_start_end_ids.npy: got int64 of shape \(3, 3\), expected integers of shape \(n, 2\)")
        (folder / "ep_start_end_ids.npy").unlink()
        self.refused(root, "ep_start_end_ids.npy is missing")

    def test_another_folder(self, root):
        with pytest.raises(CorruptData, match=r"auto_lang_ann.npy is missing. Set path to a folder with training"):
            config(root.parent).open()
        for file in (root / "training").glob("*.npz"):
            file.unlink()
        with pytest.raises(CorruptData, match=r"training holds no frame such as episode_0000000.npz"):
            config(root).open()

    def test_a_changed_frame_changes_the_fingerprint(self, root, folder):
        dataset = config(root).open()
        before = dataset.fingerprint()
        assert config(root).open().fingerprint() == before
        self.change(folder, 50, rgb_static=np.zeros((20, 20, 3), np.uint8))
        changed = dataset.fingerprint()
        (folder / "episode_0000050.npz").unlink()
        assert len({before, changed, dataset.fingerprint()}) == 3


def test_published_data():
    path = os.environ.get("ROBOVLMS_CALVIN_DATA")
    if not path:
        pytest.skip("ROBOVLMS_CALVIN_DATA names no folder of CALVIN, such as calvin_debug_dataset")
    for split in ("training", "validation"):
        dataset = config(path, split=split).open()
        episode = dataset.read(0)
        assert episode.images["rgb_static"].shape[1:] == (200, 200, 3)
        assert episode.images["rgb_gripper"].shape[1:] == (84, 84, 3)
        assert np.abs(episode.actions).max() <= 1
        assert set(np.unique(episode.actions[:, 6])) <= {-1, 1}
        moved = episode.actions[:-1, :3] * 0.02
        free = np.abs(episode.actions[:-1, :3]) < 1  # clipped where not
        np.testing.assert_allclose((np.diff(episode.state[:, :3], axis=0) - moved)[free], 0, atol=1e-4)
