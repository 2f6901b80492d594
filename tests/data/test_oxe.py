"""Open X-Embodiment's tables against public specifications: features from the catalogue of tensorflow_datasets, numbers
worked out by hand from octo's (241fb35) and openvla's (c8f03f4) ``transforms`` for hand-made steps.
"""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oxe_catalogue import CATALOGUE, EXTERNAL, NATURAL
from tfds_folder import features, image, steps, tensor, write_folder

from robovlms.core.errors import UnknownName, UserError
from robovlms.data.images import encode_image
from robovlms.data.oxe import CONVENTIONS, MIXTURES, OXEDataset, convention_of, mixture, rt_partial
from robovlms.data.oxe.oddities import absolute_gripper, angle_differences, binary_gripper, padded_text
from robovlms.data.oxe.table import markdown
from robovlms.data.sources import RLDSConfig

XYZ = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
RPY = XYZ / 10
WORLD = {"action/world_vector": XYZ, "action/rotation_delta": RPY}
CHANGES = [0.0, 1.0, 0.0]  # closes at the second step, so it was open at the first
POSE = np.hstack([XYZ, RPY]).tolist()


def action(*columns):
    return np.array(columns, np.float32)


def numbers(name, **given):
    """State and actions of hand-made steps; features a case does not name are ones of their published shape."""
    count = len(next(iter(given.values())))
    shapes = CATALOGUE[name][1]
    named = {path.replace("__", "/"): np.asarray(values) for path, values in given.items()}
    ones = {path: np.ones((count, *shape), np.float32) for path, shape in shapes.items()}
    assert not set(named) - set(shapes)
    return CONVENTIONS[name].numbers(ones | named, "here")


def with_gripper(values, pose=POSE):
    return [[*row, value] for row, value in zip(pose, values, strict=True)]


def test_the_tables_name_only_published_features():
    assert set(CONVENTIONS) == set(CATALOGUE)
    assert len(CONVENTIONS) >= 25
    for name, convention in CONVENTIONS.items():
        cameras, shapes, language = CATALOGUE[name]
        assert {camera.feature for camera in convention.cameras} <= set(cameras), name
        assert set(convention.features) - {language} <= set(shapes), name
        assert convention.language == language, name
        state, actions = convention.numbers({path: np.ones((7, *shape)) for path, shape in shapes.items()}, name)
        arm = [component.name for component, _ in convention.actions]
        assert arm in (["position", "rotation", "gripper"], ["joints", "gripper"]), name
        assert actions.shape == (len(convention.frames(7)), 7 if arm[0] == "position" else 8), name
        assert state.shape == (len(actions), sum(c.dims for c in convention.state_components)), name


# Control rates (Hz) of lerobot's openx/configs.yaml (7034203), which quotes the spreadsheet of Open X-Embodiment.
RATES = {
    "fractal20220817_data": 3,
    "kuka": 10,
    "bridge": 5,
    "bridge_orig": 5,
    "taco_play": 15,
    "jaco_play": 10,
    "berkeley_cable_routing": 10,
    "roboturk": 10,
    "nyu_door_opening_surprising_effectiveness": 3,
    "viola": 20,
    "berkeley_autolab_ur5": 5,
    "toto": 30,
    "language_table": 10,
    "columbia_cairlab_pusht_real": 10,
    f"stanford_hydra_dataset{EXTERNAL}": 10,
    f"nyu_franka_play_dataset{EXTERNAL}": 3,
    f"furniture_bench_dataset{EXTERNAL}": 10,
    f"ucsd_kitchen_dataset{EXTERNAL}": 2,
    "bc_z": 10,
    f"dlr_edan_shared_control{EXTERNAL}": 5,
    f"berkeley_mvp{EXTERNAL}": 5,
    f"berkeley_rpt{EXTERNAL}": 30 / 3,
    "droid": 15,
    "fmb": 10,
    "dobbe": 3.75,
}


def test_control_rates():
    assert {name: CONVENTIONS[name].rate_hz for name in RATES} == RATES


# One case for each oddity: steps, and what the public transform makes of them.
CASES = {
    # rt1: relative gripper to absolute (rel2abs_gripper_actions); 1 is open.
    "fractal20220817_data": (WORLD | {"action/gripper_closedness_action": CHANGES}, with_gripper([1, 0, 0])),
    # opens first, so it was closed before.
    "kuka": (WORLD | {"action/gripper_closedness_action": [0, -1, 0.05]}, with_gripper([0, 1, 1])),
    # taco_play: the gripper is cut to 0 to 1.
    "taco_play": (
        {"action/rel_actions_world": np.hstack([POSE, [[-1], [1], [0.4]]])},
        with_gripper([0, 1, 0.4]),
    ),
    # jaco_play: no rotation.
    "jaco_play": (
        {"action/world_vector": XYZ, "action/gripper_closedness_action": [0, 0, 0]},
        with_gripper([1, 1, 1], np.hstack([XYZ, 0 * XYZ]).tolist()),
    ),
    # berkeley_cable_routing: no gripper, zeros.
    "berkeley_cable_routing": (WORLD, with_gripper([0, 0, 0])),
    # roboturk, viola: cut to 0 to 1, then inverted.
    "roboturk": (WORLD | {"action/gripper_closedness_action": [-1, 0.25, 1]}, with_gripper([1, 0.75, 0])),
    "viola": (WORLD | {"action/gripper_closedness_action": [-1, 0.25, 1]}, with_gripper([1, 0.75, 0])),
    "berkeley_autolab_ur5": (WORLD | {"action/gripper_closedness_action": CHANGES}, with_gripper([1, 0, 0])),
    "nyu_door_opening_surprising_effectiveness": (
        WORLD | {"action/gripper_closedness_action": CHANGES},
        with_gripper([1, 0, 0]),
    ),
    # toto: a switch.
    "toto": (WORLD | {"action/open_gripper": [True, False, True]}, with_gripper([1, 0, 1])),
    # language_table: two numbers, zeros, an open gripper.
    "language_table": ({"action": XYZ[:, :2]}, [[1, 2, 0, 0, 0, 0, 1], [4, 5, 0, 0, 0, 0, 1], [7, 8, 0, 0, 0, 0, 1]]),
    # pusht: as recorded.
    "columbia_cairlab_pusht_real": (WORLD | {"action/gripper_closedness_action": [1, 0, -1]}, with_gripper([1, 0, -1])),
    # stanford_hydra: inverted; austin, mutex, libero: cut, then inverted.
    f"stanford_hydra_dataset{EXTERNAL}": ({"action": with_gripper([0, 1, 0])}, with_gripper([1, 0, 1])),
    f"austin_buds_dataset{EXTERNAL}": ({"action": with_gripper([-1, 1, 0])}, with_gripper([1, 0, 1])),
    f"austin_sailor_dataset{EXTERNAL}": ({"action": with_gripper([-1, 1, 0])}, with_gripper([1, 0, 1])),
    f"austin_sirius_dataset{EXTERNAL}": ({"action": with_gripper([-1, 1, 0])}, with_gripper([1, 0, 1])),
    "utaustin_mutex": ({"action": with_gripper([-1, 1, 0])}, with_gripper([1, 0, 1])),
    "libero_10_no_noops": ({"action": with_gripper([-1, 1, 0])}, with_gripper([1, 0, 1])),
    # nyu_franka_play: columns -8 to -2 of 15, then column -2 cut to 0 to 1; the last is the end of the episode.
    f"nyu_franka_play_dataset{EXTERNAL}": (
        {"action": np.hstack([np.full((3, 7), 99), POSE, [[-0.5], [2], [0.5]], np.full((3, 1), 99)])},
        with_gripper([0, 1, 0.5]),
    ),
    # furniture_bench, iamlab: a quaternion (real part last) becomes roll, pitch, yaw: none, 90 degrees of yaw, of roll.
    f"furniture_bench_dataset{EXTERNAL}": (
        {
            "action": np.hstack(
                [XYZ, [[0, 0, 0, 1], [0, 0, 0.5**0.5, 0.5**0.5], [0.5**0.5, 0, 0, 0.5**0.5]], [[-1]] * 3]
            )
        },
        with_gripper([1] * 3, np.hstack([XYZ, [[0, 0, 0], [0, 0, np.pi / 2], [np.pi / 2, 0, 0]]]).tolist()),
    ),
    f"iamlab_cmu_pickup_insert{EXTERNAL}": (
        {"action": np.hstack([XYZ, [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0.5**0.5, 0, 0.5**0.5]], [[0], [1], [1]]])[:2]},
        with_gripper([0, 1], [[1, 2, 3, 0, 0, 0], [4, 5, 6, 0, 0, np.pi]]),
    ),
    # The last column is the end of the episode.
    f"ucsd_kitchen_dataset{EXTERNAL}": ({"action": np.hstack([POSE, [[1, 9]] * 3])}, with_gripper([1] * 3)),
    f"cmu_franka_exploration_dataset{EXTERNAL}": ({"action": np.hstack([POSE, [[1, 9]] * 3])}, with_gripper([1] * 3)),
    "cmu_stretch": ({"action": np.hstack([POSE, [[1, 9]] * 3])}, with_gripper([1] * 3)),
    # Position and gripper only.
    f"ucsd_pick_and_place_dataset{EXTERNAL}": (
        {"action": np.hstack([XYZ, [[0.5]] * 3])},
        with_gripper([0.5] * 3, np.hstack([XYZ, 0 * XYZ]).tolist()),
    ),
    f"stanford_kuka_multimodal_dataset{EXTERNAL}": (
        {"action": np.hstack([XYZ, [[0.5]] * 3])},
        with_gripper([0.5] * 3, np.hstack([XYZ, 0 * XYZ]).tolist()),
    ),
    # kaist: six numbers of 20, and zero.
    f"kaist_nonprehensile{EXTERNAL}": ({"action": np.hstack([POSE, np.full((3, 14), 9)])}, with_gripper([0] * 3)),
    # bc_z: the first of ten future actions, the gripper inverted.
    "bc_z": (
        {
            "action/future/xyz_residual": np.hstack([XYZ, np.full((3, 27), 9)]),
            "action/future/axis_angle_residual": np.hstack([RPY, np.full((3, 27), 9)]),
            "action/future/target_close": np.hstack([[[1], [0], [1]], np.full((3, 9), 7)]),
        },
        with_gripper([0, 1, 0]),
    ),
    f"dlr_edan_shared_control{EXTERNAL}": ({"action": with_gripper([1, 0, 1])}, with_gripper([0, 1, 0])),
    # berkeley_fanuc: no gripper action; column 6 of the state, inverted.
    "berkeley_fanuc_manipulation": (
        {"action": POSE, "observation/state": np.eye(13)[[6, 0, 6]]},
        with_gripper([0, 1, 0]),
    ),
    # As recorded: 1 is closed in this one.
    f"nyu_rot_dataset{EXTERNAL}": ({"action": with_gripper([0, 1, 0])}, with_gripper([0, 1, 0])),
    "fmb": ({"action": with_gripper([0, 1, 0])}, with_gripper([0, 1, 0])),
    "dobbe": ({"action": with_gripper([0, 1, 0])}, with_gripper([0, 1, 0])),
    f"stanford_robocook{EXTERNAL}": ({"action": with_gripper([0, 1, 0])}, with_gripper([0, 1, 0])),
    f"maniskill_dataset{EXTERNAL}": ({"action": with_gripper([-1, 1, 0])}, with_gripper([-1, 1, 0])),
    # berkeley_mvp (octo): seven joint changes, the gripper inverted.
    f"berkeley_mvp{EXTERNAL}": ({"action": [[*range(7), 1], [*range(7), 0]]}, [[*range(7), 0], [*range(7), 1]]),
    # droid: velocities, and one minus the gripper's position.
    "droid": (
        {"action_dict/cartesian_velocity": POSE, "action_dict/gripper_position": [[0], [0.25], [1]]},
        with_gripper([1, 0.75, 0]),
    ),
    # bridge_orig: without the first step; differences of the state; gripper commands are what is arrived at; without
    # the last step, whose difference is not known.
    "bridge_orig": (
        {
            "observation/state": [[0] * 7, [1] * 7, [3, 1, 1, 0.5, 1, 1, 1], [3] * 7],
            "action": [[0] * 7, [9] * 6 + [0.5], [9] * 6 + [0.0], [9] * 6 + [1.0]],
        },
        [[2, 0, 0, -0.5, 0, 0, 0], [0, 2, 2, 2.5, 2, 2, 0]],
    ),
    "bridge": (
        {"observation/state": [[0] * 7, [1] * 7, [3] * 7, [4] * 7], "action/open_gripper": [1, 1, 0, 1]},
        [[2] * 6 + [1], [1] * 6 + [0]],
    ),
    # ours: the commands as recorded, every step.
    "bridge_dataset": ({"action": with_gripper([0.5, 0.0, 0.7])}, with_gripper([0, 0, 1])),
    # berkeley_rpt (octo): one step in three, joint differences, the gripper inverted, without the last.
    f"berkeley_rpt{EXTERNAL}": (
        {
            "observation/joint_pos": np.arange(8)[:, None] * np.ones(7),
            "action": np.hstack([np.full((8, 7), 9), [[i % 2] for i in range(8)]]),
        },
        [[3] * 7 + [1], [3] * 7 + [0]],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_actions_are_what_the_public_transform_makes(name):
    given, expected = CASES[name]
    _, found = numbers(name, **{path.replace("/", "__"): values for path, values in given.items()})
    np.testing.assert_allclose(found, action(*expected), atol=1e-6)


def test_every_data_set_has_a_case():
    assert {name.replace("spatial", "10").replace("object", "10").replace("goal", "10") for name in CONVENTIONS} == set(
        CASES
    )


# States: columns of a counting row, as the public transforms choose them.
STATES = {
    "fractal20220817_data": (
        {"observation/base_pose_tool_reached": 7, "observation/gripper_closed": 1},
        [*range(7), 0],
    ),
    "bridge_dataset": ({"observation/state": 7}, range(7)),
    # gripper width; octo takes column 7, which the catalogue calls a joint
    "taco_play": ({"observation/robot_obs": 15}, range(7)),
    "berkeley_autolab_ur5": ({"observation/robot_state": 15}, range(6, 14)),
    "toto": ({"observation/state": 7}, range(7)),
    "viola": ({"observation/joint_states": 7, "observation/gripper_states": 1}, [*range(7), 0]),
    f"stanford_hydra_dataset{EXTERNAL}": ({"observation/state": 27}, [0, 1, 2, 7, 8, 9, 24]),
    f"austin_buds_dataset{EXTERNAL}": ({"observation/state": 24}, range(8)),
    "utaustin_mutex": ({"observation/state": 24}, range(8)),
    f"nyu_franka_play_dataset{EXTERNAL}": ({"observation/state": 13}, range(7, 13)),
    f"furniture_bench_dataset{EXTERNAL}": ({"observation/state": 35}, [*range(7), 34]),
    f"iamlab_cmu_pickup_insert{EXTERNAL}": ({"observation/state": 20}, range(8)),
    f"maniskill_dataset{EXTERNAL}": ({"observation/tcp_pose": 7, "observation/state": 18}, range(8)),
    f"kaist_nonprehensile{EXTERNAL}": ({"observation/state": 21}, range(14, 21)),
    f"ucsd_kitchen_dataset{EXTERNAL}": ({"observation/state": 21}, range(7)),
    "berkeley_fanuc_manipulation": ({"observation/state": 13}, range(7)),
    "cmu_stretch": ({"observation/state": 4}, range(4)),
    "droid": ({"observation/cartesian_position": 6, "observation/gripper_position": 1}, [*range(6), 0]),
    "libero_goal_no_noops": ({"observation/state": 8}, range(8)),
}


@pytest.mark.parametrize("name", STATES)
def test_states_are_what_the_public_transform_takes(name):
    sizes, expected = STATES[name]
    state, _ = numbers(name, **{path.replace("/", "__"): [list(range(size))] for path, size in sizes.items()})
    np.testing.assert_array_equal(state[0], np.array(list(expected), np.float32))


def test_grippers_from_changes():
    """rel2abs_gripper_actions: beyond 0.1 counts; before the first change, its opposite; open where there is none."""
    for changes, expected in (
        ([0, 0, 1, 0, -1, 0], [1, 1, 0, 0, 1, 1]),
        ([-0.5, 0, 0.1, 0.11], [1, 1, 1, 0]),
        ([0, -0.1, 0.1], [1, 1, 1]),
    ):
        assert absolute_gripper(action(*changes)[:, None])[:, 0].tolist() == expected


def test_grippers_from_openings():
    """binarize_gripper_actions, but for the end of a clip: it leaves the last value, we take the nearer of both."""
    opening = action(1.0, 0.97, 0.8, 0.4, 0.2, 0.04, 0.0, 0.3, 0.6)[:, None]
    assert binary_gripper(opening)[:, 0].tolist() == [1, 1, 0, 0, 0, 0, 0, 1, 1]


def test_angles_go_the_shorter_way_round():
    """Where octo's plain difference would be nearly a turn, the arm moved the rest of it."""
    angles = action(3.1, -3.1, 0.0, 0.1)[:, None]
    np.testing.assert_allclose(angle_differences(angles)[:, 0], [2 * np.pi - 6.2, 3.1, 0.1], atol=1e-6)


def test_the_instruction_of_language_table():
    """robotics/language_table.py: the bytes of a UTF-8 text, then zeros."""
    codes = np.zeros((2, 512), np.int32)
    codes[0, :7] = list("schön\0".encode())
    assert padded_text(codes) == "schön"


def test_typed_facts():
    """Units that sources state: the catalogue (maniskill), robot_ik_solver.py (droid), OSC_POSE (libero)."""
    scales = {"maniskill_dataset" + EXTERNAL: (0.1, 0.1), "droid": (0.075, 0.15), "libero_goal_no_noops": (0.05, 0.5)}
    for name, expected in scales.items():
        position, rotation, _ = convention_of(name).action_spec.components
        assert (position.unit, rotation.unit, position.scale, rotation.scale) == ("m", "rad", *expected)
    rot = convention_of("nyu_rot_dataset" + EXTERNAL).action_spec.gripper
    assert (rot.gripper_closed, rot.gripper_open) == (1, 0)
    assert convention_of("iamlab_cmu_pickup_insert" + EXTERNAL).action_spec.components[0].kind == "position"


def test_cameras_with_swapped_colours():
    """flip_image_channels and flip_wrist_image_channels in prepare_open_x.sh of kpertsch/rlds_dataset_mod."""
    swapped = {(name, c.feature) for name, convention in CONVENTIONS.items() for c in convention.cameras if c.bgr}
    both = (f"stanford_hydra_dataset{EXTERNAL}", "utaustin_mutex", "berkeley_fanuc_manipulation")
    expected = {(name, camera) for name in both for camera in ("image", "wrist_image")}
    assert swapped == expected | {("berkeley_autolab_ur5", "hand_image")}


PIXELS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def write_stretch(path, name="cmu_stretch", encoding="png"):
    tree = features(
        steps=steps(
            action=tensor(8),
            language_instruction=tensor(dtype="string"),
            observation=features(image=image(4, 5, 3, encoding=encoding), state=tensor(4)),
        )
    )
    record = {
        "steps/action": np.zeros((2, 8), np.float32),
        "steps/language_instruction": ["lift it"] * 2,
        "steps/observation/image": [encode_image(PIXELS, "png")] * 2,
        "steps/observation/state": np.ones((2, 4), np.float32),
    }
    return write_folder(path, tree, [[record]], name=name)


def test_a_folder_is_read_by_its_own_name(tmp_path):
    source = RLDSConfig(path=write_stretch(tmp_path)).open()
    episode = source.read(0)
    assert (episode.instruction, episode.actions.shape, episode.state.tolist()[0]) == ("lift it", (2, 7), [1] * 4)
    np.testing.assert_array_equal(episode.images["image"][1], PIXELS)
    assert source.source_of(0) == "record 0"
    assert RLDSConfig(path=tmp_path, rate_hz=7).open().action_spec.rate_hz == 7


def test_a_data_set_goes_to_worker_processes(tmp_path):
    source = OXEDataset(write_stretch(tmp_path))
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again.read(0).actions, source.read(0).actions)
    assert all(pickle.loads(pickle.dumps(convention)) for convention in CONVENTIONS.values())


@pytest.mark.parametrize(("encoding", "step"), [("png", -1), (None, -1), ("jpeg", 1)])
def test_swapped_colours_are_put_right(tmp_path, monkeypatch, encoding, step):
    """A copy that was re-encoded as JPEG has been put right already."""
    from robovlms.data.oxe import tables
    from robovlms.data.oxe.convention import static

    swapped = replace(CONVENTIONS["cmu_stretch"], cameras=(static("image", bgr=True),))
    monkeypatch.setattr(tables, "CONVENTIONS", {"cmu_stretch": swapped})
    frames = OXEDataset(write_stretch(tmp_path, encoding=encoding)).read(0).images["image"]
    np.testing.assert_array_equal(frames[0], PIXELS[..., ::step])


def test_swapped_colours_that_the_user_names(tmp_path):
    path = write_stretch(tmp_path)
    frames = RLDSConfig(path=path, bgr_cameras=("image",)).open().read(0).images["image"]
    np.testing.assert_array_equal(frames[0], PIXELS[..., ::-1])
    with pytest.raises(UnknownName, match=r"Unknown camera 'imag'. Did you mean 'image'"):
        RLDSConfig(path=path, bgr_cameras=("imag",)).open()


def test_a_rate_nobody_states(tmp_path, monkeypatch):
    from robovlms.data.oxe import tables

    monkeypatch.setattr(tables, "CONVENTIONS", {"cmu_stretch": replace(CONVENTIONS["cmu_stretch"], rate_hz=None)})
    write_stretch(tmp_path)
    with pytest.raises(UserError, match=r"no source states the control rate of 'cmu_stretch'. Set rate_hz"):
        OXEDataset(tmp_path)
    assert OXEDataset(tmp_path, rate_hz=5).action_spec.rate_hz == 5


def test_names_are_answered_with_the_nearest(tmp_path):
    write_stretch(tmp_path, name="cmu_strech")
    with pytest.raises(
        UnknownName, match=r"Unknown RLDS convention 'cmu_strech'. Did you mean 'cmu_stretch'.*the setting features\."
    ):
        OXEDataset(tmp_path)
    with pytest.raises(UnknownName, match=r"feature of .*'steps/observation/instruction'"):
        OXEDataset(tmp_path, convention="language_table")
    with pytest.raises(UnknownName, match="Did you mean 'oxe_magic_soup'"):
        mixture("oxe_magic_soop")
    assert convention_of("bridge_oxe") is CONVENTIONS["bridge"]


def test_bridge_in_two_readings(bridge):
    """The sample's clips of ten steps: as commanded, and as openvla reads them (without the first and the last)."""
    commanded, reached = OXEDataset(bridge).read(3), OXEDataset(bridge, convention="bridge_orig").read(3)
    assert (len(commanded), len(reached)) == (10, 8)
    np.testing.assert_array_equal(reached.state, commanded.state[1:-1])
    np.testing.assert_array_equal(reached.images["image_0"], commanded.images["image_0"][1:-1])
    np.testing.assert_allclose(reached.actions[:, :6], np.diff(commanded.state[1:, :6], axis=0))


def test_mixtures():
    """mixtures.py of openvla: members and weights."""
    assert mixture("bridge") == (("bridge_orig", 1.0),)
    assert mixture("rt_1") == (("fractal20220817_data", 1.0),)
    soup = dict(mixture("oxe_magic_soup"))
    assert len(soup) == len(mixture("oxe_magic_soup")) == 23
    assert soup["kuka"] == 0.8341046294
    assert soup["fractal20220817_data"] == 0.54087122203
    assert (soup["language_table"], soup[f"nyu_franka_play_dataset{EXTERNAL}"], soup["cmu_stretch"]) == (0.1, 3.0, 1.0)
    assert dict(mixture("oxe_magic_soup_plus")) == soup | {"bc_z": 0.2, "fmb_dataset": 1.0, "dobbe": 0.2, "droid": 0.06}
    minus = dict(mixture("oxe_magic_soup_plus_minus"))
    assert minus["fractal20220817_data"] == 1.0
    assert set(dict(mixture("oxe_magic_soup_plus"))) - set(minus) == {"language_table", "droid"}
    assert dict(mixture("rtx"))["berkeley_cable_routing"] == 3.0
    for name in MIXTURES:
        assert all(convention_of(part) and weight > 0 for part, weight in mixture(name))


@pytest.mark.parametrize(
    ("instruction", "kept"),
    [
        ("pick coke can", True),
        ("Pick coke can from top drawer", False),
        ("place apple into top drawer", True),
        ("move pepsi can near orange", True),
        ("move orange near apple", False),
        ("move sponge near 7up can", True),
        ("open middle drawer", True),
        ("close drawer", False),
        ("knock coke can over", False),
    ],
)
def test_rt_partial(instruction, kept):
    """filter_langs in rlds/dataset.py of lixinghang12/openvla (be038e2), which upstream trains with."""
    assert rt_partial(instruction) is kept


def test_rt_partial_leaves_episodes_out(tmp_path):
    tree = features(
        steps=steps(
            action=features(world_vector=tensor(3), rotation_delta=tensor(3), gripper_closedness_action=tensor(1)),
            observation=features(
                image=image(4, 5, 3),
                natural_language_instruction=tensor(dtype="string"),
                base_pose_tool_reached=tensor(7),
                gripper_closed=tensor(1),
            ),
        )
    )
    shapes = CATALOGUE["fractal20220817_data"][1]

    def record(words, count):
        zeros = {f"steps/{path}": np.zeros((count, *shape), np.float32) for path, shape in shapes.items()}
        files = [encode_image(PIXELS, "png")] * count
        return zeros | {f"steps/{NATURAL}": [words] * count, "steps/observation/image": files}

    records = [record("knock it over", 1), record("pick coke can", 2), record("open top drawer", 3)]
    write_folder(tmp_path, tree, [records], name="fractal20220817_data")
    source = RLDSConfig(path=tmp_path, only_rt_partial=True).open()
    assert (len(source), source.lengths()) == (2, [2, 3])
    assert (source.read(0).instruction, source.read(1).info["record"]) == ("pick coke can", 2)
    assert source.source_of(1) == "record 2"


def test_the_table_of_the_documentation_is_the_code():
    """Print it anew with ``python -m robovlms.data.oxe.table``."""
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    assert markdown() in page
