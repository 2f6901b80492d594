import json
import pickle
import sys

import h5py
import numpy as np
import pytest
from hdf5_files import OSC_POSE, pixels, write_act, write_demos

from robovlms.actions.spec import ActionComponent, ActionSpec, ImageSpec
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, MissingExtra, SpecMismatch, UnknownName, UserError
from robovlms.data.hdf5.language import instruction_in_name
from robovlms.data.sources import HDF5Config
from robovlms.data.store.build import build_store, open_sources

ACT = {"kind": "act"}


def config(path, **settings):
    return validate(HDF5Config, {"path": path, **settings})


def test_libero_pairs_each_action_with_the_observation_before_it(tmp_path):
    path = write_demos(tmp_path / "KITCHEN_SCENE3_turn_on_the_stove_demo.hdf5")
    dataset = config(path).open()
    assert dataset.lengths() == [4, 6]
    episode = dataset.read(1)
    with h5py.File(path) as file:
        demo = file["data/demo_1"]
        np.testing.assert_allclose(episode.actions, demo["actions"][1:], rtol=1e-6)
        names = dataset.observation_spec.state_names
        stored = np.concatenate([demo[f"obs/{name}"] for name in names], axis=1)
        np.testing.assert_allclose(episode.state, stored[:-1], rtol=1e-6)
    np.testing.assert_array_equal(episode.images["agentview_rgb"], pixels(10, 7)[:-1, ::-1])  # upright
    assert episode.instruction == "turn on the stove"
    assert episode.task == "KITCHEN_SCENE3_turn_on_the_stove"
    assert dataset.source_of(1) == "KITCHEN_SCENE3_turn_on_the_stove_demo.hdf5 data/demo_1"


def test_libero_files_that_were_made_again(tmp_path):
    path = write_demos(tmp_path / "open_the_drawer_demo.hdf5")
    with h5py.File(path, "r+") as file:  # as OpenVLA's regeneration leaves it: arrays only
        for name in list(file["data"].attrs):
            del file["data"].attrs[name]
        del file["data/demo_0"].attrs["num_samples"]
    dataset = config(path, layout={"kind": "libero", "observed": "before", "flip": "rotate_180"}).open()
    episode = dataset.read(0)
    assert (len(episode), episode.instruction) == (5, "open the drawer")
    np.testing.assert_array_equal(episode.images["agentview_rgb"], pixels(0, 5)[:, ::-1, ::-1])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("KITCHEN_SCENE10_put_the_bowl_in_the_top_drawer_demo.hdf5", "put the bowl in the top drawer"),
        ("LIVING_ROOM_SCENE2_put_both_soups_in_the_basket_demo.hdf5", "put both soups in the basket"),
        ("pick_up_the_black_bowl_demo.hdf5", "pick up the black bowl"),
    ],
)
def test_the_sentence_in_a_name(tmp_path, name, sentence):
    assert instruction_in_name(tmp_path / name) == sentence


def test_libero_convention(tmp_path):
    spec = config(write_demos(tmp_path / "a_demo.hdf5")).open().action_spec
    position, rotation, gripper = spec.components
    assert (position.scale, position.unit, position.frame, position.reference) == (0.05, "m", "world", "measured")
    assert (rotation.scale, rotation.unit, rotation.rotation) == (0.5, "rad", "axis_angle")
    assert (gripper.gripper_open, gripper.gripper_closed, spec.rate_hz, spec.dims) == (-1, 1, 20, 7)


def test_robomimic(tmp_path):
    images = ("agentview_image", "robot0_eye_in_hand_image", "frontview_image")
    path = write_demos(tmp_path / "image.hdf5", (3, 4, 5), images, libero=False)
    with h5py.File(path, "r+") as file:
        file["mask/train"] = np.array([b"demo_0", b"demo_2"])
    settings = {"layout": {"kind": "robomimic"}, "instruction": "lift the cube"}
    dataset = config(path, **settings).open()
    assert dataset.lengths() == [3, 4, 5]
    np.testing.assert_array_equal(dataset.read(1).images["frontview_image"], pixels(10, 4))
    assert dataset.read(2).instruction == "lift the cube"
    assert config(path, mask="train", **settings).open().lengths() == [3, 5]
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        config(path, mask="trian", **settings).open()
    chosen = config(path, **settings).select(dataset)
    assert chosen.camera_names == images[:2]
    assert chosen.state_names == ("robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos")
    assert chosen.state[1].rotation == "quaternion_xyzw"
    with pytest.raises(UserError, match=r"image.hdf5, data/demo_0: the file says no instruction. Set instruction"):
        config(path, layout={"kind": "robomimic"}).open()
    with h5py.File(path, "r+") as file:
        for demo in file["data"].values():
            demo.attrs["ep_meta"] = json.dumps({"lang": f"task of {demo.name}"})
    assert config(path, layout={"kind": "robomimic"}).open().read(1).instruction == "task of /data/demo_1"


@pytest.mark.parametrize("stored", ["pixels", "padded", "bytes", "vlen"])
def test_act(tmp_path, stored):
    for number in (0, 2, 10):
        write_act(tmp_path / f"set/episode_{number}.hdf5", 4 + number, number, stored)
    settings = {"layout": ACT, "convention": "aloha", "instruction": "transfer the cube"}
    dataset = config(tmp_path / "set", **settings).open()
    assert dataset.lengths() == [4, 6, 14]  # in the order of the numbers
    assert (dataset.action_spec.rate_hz, dataset.action_spec.dims) == (50, 14)
    episode = dataset.read(1, cameras=("left_wrist",))
    assert list(episode.images) == ["left_wrist"]
    difference = episode.images["left_wrist"].astype(int) - pixels(2, 6)
    assert np.abs(difference).max() <= (0 if stored == "pixels" else 70)  # JPEG blurs the edge between the colours
    assert np.abs(difference).mean() < 4
    with h5py.File(tmp_path / "set/episode_2.hdf5") as file:
        np.testing.assert_allclose(episode.actions, file["action"], rtol=1e-6)
    chosen = config(tmp_path / "set", **settings).select(dataset)
    assert (chosen.camera_names, chosen.state_names) == (("left_wrist", "top"), ("qpos",))
    assert pickle.loads(pickle.dumps(dataset)).lengths() == [4, 6, 14]  # worker processes get it
    swapped = config(tmp_path / "set", **settings | {"layout": {"kind": "act", "channels": "bgr"}}).open()
    np.testing.assert_array_equal(swapped.read(0).images["top"], dataset.read(0).images["top"][..., ::-1])


def test_act_needs_to_be_told_what_actions_mean(tmp_path):
    path = write_act(tmp_path / "episode_0.hdf5", dims=16)
    with pytest.raises(UserError, match=r"files do not say what actions mean. Set convention"):
        config(path, layout=ACT, instruction="x").open()
    with pytest.raises(UnknownName, match="Did you mean 'aloha'"):
        config(path, layout=ACT, convention="alohha", instruction="x").open()
    with pytest.raises(CorruptData, match=r"got actions of shape \(6, 16\), expected \(steps, 14\): left_arm 6"):
        config(path, layout=ACT, convention="aloha", instruction="x").open()
    joints = ActionComponent(name="joints", dims=16, kind="joint_position", unit="rad", low=None, high=None)
    spec = ActionSpec(components=(joints,), rate_hz=30)
    assert config(path, layout=ACT, action_spec=spec.model_dump(), instruction="x").open().action_spec == spec


def test_a_store_uses_the_main_cameras_and_state(tmp_path):
    for name in ("open_it_demo", "close_it_demo"):
        write_demos(tmp_path / f"suite/{name}.hdf5")
    store = build_store(open_sources([config(tmp_path / "suite", holdout=0.3)]), image=ImageSpec(size=8))
    assert len(store) == 2 * (4 + 6)
    assert tuple(store.images) == ("agentview_rgb", "eye_in_hand_rgb")
    assert store.observation_spec.state_names == ("ee_pos", "ee_ori", "gripper_states")
    assert len(store.sources) == 4
    with pytest.raises(UnknownName, match=r"Unknown camera 'agentview'. Did you mean 'agentview_rgb'"):
        open_sources([config(tmp_path / "suite", cameras=("agentview",))])
    with pytest.raises(UnknownName, match=r"Unknown state component 'ee_poss'. Did you mean 'ee_pos'"):
        open_sources([config(tmp_path / "suite", state=("ee_poss",))])


def test_a_file_for_another_controller_is_refused(tmp_path):
    path = write_demos(tmp_path / "a_demo.hdf5")
    controller = OSC_POSE | {"output_max": [0.1] * 6, "control_delta": False}
    body_parts = {"type": "BASIC", "body_parts": {"right": OSC_POSE | {"type": "JOINT_POSITION"}}}
    for configs, message in ((controller, "control_delta: False against True"), (body_parts, "type: JOINT_POSITION")):
        with h5py.File(path, "r+") as file:
            kwargs = {"controller_configs": configs, "control_freq": 10}
            file["data"].attrs["env_args"] = json.dumps({"env_kwargs": kwargs})
        with pytest.raises(
            SpecMismatch, match=rf"a_demo.hdf5 and convention 'libero'(.|\n)*{message}(.|\n)*control_fre"
        ):
            config(path).open()


def test_h5py_is_an_extra(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("robovlms.data.hdf5.") and "layout" not in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"pip install 'robovlms\[hdf5\]'"):
        config(tmp_path).open()


class TestDamage:
    @pytest.fixture
    def path(self, tmp_path):
        return write_demos(tmp_path / "a_demo.hdf5")

    def change(self, path, change):
        with h5py.File(path, "r+") as file:
            change(file["data/demo_1"])
        return path

    def test_a_truncated_file(self, path):
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(CorruptData, match=r"a_demo.hdf5 cannot be read \(.*truncated"):
            config(path).open()
        path.write_bytes(b"not HDF5")
        with pytest.raises(CorruptData, match=r"a_demo.hdf5 cannot be read"):
            config(path).open()

    def test_damaged_chunks_name_the_episode(self, path):
        def compress(demo):
            del demo["obs/agentview_rgb"]
            demo.create_dataset("obs/agentview_rgb", data=pixels(0, 7), compression="gzip", fletcher32=True)

        dataset = config(self.change(path, compress)).open()
        dataset.read(1)
        with h5py.File(path) as file:
            chunk = file["data/demo_1/obs/agentview_rgb"].id.get_chunk_info(0)
        content = bytearray(path.read_bytes())
        content[chunk.byte_offset + 20] ^= 0xFF
        path.write_bytes(bytes(content))
        dataset.read(0)
        with pytest.raises(CorruptData, match=r"a_demo.hdf5, data/demo_1, '/data/demo_1/obs/agentview_rgb' cannot be"):
            dataset.read(1)

    def test_numbers(self, path):
        def poison(demo):
            demo["actions"][3, 2] = np.nan

        dataset = config(self.change(path, poison)).open()
        with pytest.raises(CorruptData, match=r"data/demo_1, row 3: got .* in '/data/demo_1/actions', expected finite"):
            dataset.read(1)

    def test_lengths(self, path):
        self.change(path, lambda demo: demo.attrs.__setitem__("num_samples", 9))
        with pytest.raises(CorruptData, match=r"data/demo_1: got 7 actions, but num_samples is 9"):
            config(path).open()

        def shorten(demo):
            demo.attrs["num_samples"] = 7
            del demo["obs/ee_pos"]
            demo["obs/ee_pos"] = np.zeros((6, 3))

        dataset = config(self.change(path, shorten)).open()
        with pytest.raises(CorruptData, match=r"data/demo_1: 'obs/ee_pos' has 6 rows, but there are 7 actions"):
            dataset.read(1)

    @pytest.mark.parametrize("rows", [0, 1])
    def test_episodes_without_frames(self, path, rows):
        def empty(demo):
            del demo["actions"]
            demo["actions"] = np.zeros((rows, 7))
            demo.attrs["num_samples"] = rows

        with pytest.raises(CorruptData, match=rf"data/demo_1: got {rows} rows, expected at least 2"):
            config(self.change(path, empty)).open()

    def test_missing_arrays(self, path, tmp_path):
        dataset = config(path).open()
        self.change(path, lambda demo: demo["obs"].move("agentview_rgb", "agentview_image"))
        with pytest.raises(CorruptData, match=r"a_demo.hdf5, data/demo_1: 'obs/agentview_rgb'. Did you mean 'obs/agen"):
            dataset.read(1)
        self.change(path, lambda demo: demo.move("actions", "action"))
        with pytest.raises(CorruptData, match=r"data/demo_1: 'actions'. Did you mean 'action'"):
            config(path).open()
        with pytest.raises(CorruptData, match=r"has no group 'data'; it holds \['action', 'observations'\]"):
            config(write_act(tmp_path / "act.hdf5")).open()

    def test_links_to_other_files(self, path, tmp_path):
        other = write_demos(tmp_path / "other/b.hdf5")
        dataset = config(path).open()

        def link(demo):
            del demo["obs/ee_pos"]
            demo["obs/ee_pos"] = h5py.ExternalLink(str(other), "/data/demo_1/obs/ee_pos")

        self.change(path, link)
        with pytest.raises(CorruptData, match=r"data/demo_1, 'obs/ee_pos' leads out of the file, to .*b.hdf5"):
            dataset.read(1)

        def store_outside(demo):
            del demo["obs/ee_pos"]
            demo.create_dataset("obs/ee_pos", (7, 3), "f8", external=[("/etc/hostname", 0, 168)])

        self.change(path, store_outside)
        with pytest.raises(CorruptData, match=r"data/demo_1, 'obs/ee_pos' leads out of the file, to /etc/hostname"):
            dataset.read(1)

    def test_language_that_is_not_utf8(self, path):
        with h5py.File(path, "r+") as file:
            file["data"].attrs["problem_info"] = np.bytes_('{"language_instruction": "öffne"}'.encode("latin-1"))
        with pytest.raises(CorruptData, match=r"a_demo.hdf5, .*attribute 'problem_info': the text is not UTF-8"):
            config(path).open()
        with h5py.File(path, "r+") as file:
            file["data"].attrs["problem_info"] = "{"
        with pytest.raises(CorruptData, match=r"attribute 'problem_info' is not valid JSON"):
            config(path).open()

    def test_a_damaged_image(self, tmp_path):
        path = write_act(tmp_path / "episode_0.hdf5", stored="padded")
        with h5py.File(path, "r+") as file:
            file["observations/images/top"][4, 200:] = 0
        dataset = config(path, layout=ACT, convention="aloha", instruction="x").open()
        with pytest.raises(CorruptData, match=r"episode_0.hdf5, row 4, '/observations/images/top': the image cannot"):
            dataset.read(0)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(UserError, match="does not exist"):
            config(tmp_path / "nowhere").open()
        with pytest.raises(UserError, match=r"holds no .hdf5 or .h5 file"):
            config(tmp_path).open()
