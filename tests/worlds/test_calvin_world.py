"""CALVIN's simulator: clones that are not what they should be, and the real one where ROBOVLMS_CALVIN_ENV names it."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from robovlms.core.errors import UnknownName, UserError
from robovlms.core.protocols import World
from robovlms.worlds.calvin import CALVIN, InitialState, find_clones
from robovlms.worlds.calvin.clones import VARIABLE
from robovlms.worlds.calvin.symbolic import TASKS

REACH = np.array([0.5, 0.3, -0.4, 0.2, -0.1, 0.4, -1.0])
"""Towards the table, closing."""


def test_no_clone_is_named(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(
        UserError, match=r"git clone --recurse-submodules https://github\.com/mees/calvin, and set ROBO"
    ):
        find_clones()


def test_another_folder(tmp_path):
    with pytest.raises(UserError, match=r"no clone of mees/calvin_env, or too old a one: looked for calvin_env/envs/"):
        find_clones(tmp_path)


@pytest.fixture
def simulator_only(tmp_path) -> Path:
    """The files that are looked for in mees/calvin_env, empty."""
    folder = tmp_path / "calvin_env"
    names = ["calvin_env/envs/play_table_env.py", "calvin_env/envs/tasks.py", "conf/config_data_collection.yaml"]
    names += ["conf/cameras/static_and_gripper.yaml", "conf/tasks/new_playtable_tasks.yaml"]
    for scene in "ABCD":
        names += [f"conf/scene/calvin_scene_{scene}.yaml", f"data/calvin_table_{scene}/urdf/calvin_table_{scene}.urdf"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_an_old_clone_says_what_it_lacks(simulator_only):
    (simulator_only / "conf/tasks/new_playtable_tasks.yaml").unlink()
    with pytest.raises(UserError, match=r"looked for conf/tasks/new_playtable_tasks\.yaml\. Clone"):
        find_clones(simulator_only)


def test_without_the_sentences(simulator_only):
    with pytest.raises(UserError, match=r"calvin is no clone of mees/calvin, .* looked for calvin_models/conf/annot"):
        find_clones(simulator_only)


@pytest.mark.parametrize("sentences_in", [".", "calvin"])
def test_sentences_lie_around_or_beside_the_simulator(simulator_only, sentences_in, monkeypatch):
    place = (simulator_only.parent / sentences_in).resolve()
    (place / "calvin_models/conf/annotations").mkdir(parents=True)
    for name in ("new_playtable.yaml", "new_playtable_validation.yaml"):
        (place / "calvin_models/conf/annotations" / name).write_text("open_drawer: [pull]\n")
    monkeypatch.setenv(VARIABLE, str(simulator_only))
    assert find_clones().calvin == place


@pytest.fixture(scope="module")
def world():
    if not os.environ.get(VARIABLE):
        pytest.skip(f"{VARIABLE} names no clone of mees/calvin_env")
    pytest.importorskip("pybullet")
    world = CALVIN("D", renderer="tiny")
    yield world
    world.close()


def state_after(world: CALVIN, actions) -> np.ndarray:
    return np.array([world.step(action, render=False).observation.state for action in actions])


def actions(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(REACH + rng.uniform(-0.5, 0.5, (count, 7)), -1, 1)


def test_what_it_is(world):
    assert isinstance(world, World)
    assert len(world.tasks) == 34
    assert world.instructions("turn_on_led", "validation") == ("press the button to turn on the led light",)
    assert {len(world.instructions(task, "validation")) for task in world.tasks} == {1}
    assert sorted(world.tasks) == sorted(TASKS)
    assert all(len(world.instructions(task, "train")) > 1 for task in world.tasks)
    with pytest.raises(UnknownName, match="Did you mean 'open_drawer'"):
        world.begin_task("open_drawr")


def test_observations_are_as_specified(world):
    observation = world.reset(None, seed=0)
    spec = world.observation_spec
    shapes = {name: image.shape for name, image in observation.images.items()}
    assert shapes == {camera.name: (camera.height, camera.width, 3) for camera in spec.cameras}
    assert all(image.std() > 10 for image in observation.images.values())
    assert observation.state.shape == (spec.state_dims,)
    assert world.step(REACH, render=False).observation.images == {}


EGL_TWICE = """
from robovlms.worlds.calvin import CALVIN
world = CALVIN("A", renderer="egl")
one, two = (world.reset(None, seed=0).images for _ in range(2))
assert all((one[name] == two[name]).all() and one[name].std() > 10 for name in one)
world.close()
"""


@pytest.mark.render
def test_the_first_image_of_egl_is_as_all_others(world):
    """In a process of its own: EGL is loaded into the first simulator of a process."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", EGL_TWICE], check=True)


def test_a_unit_is_two_centimetres(world):
    start = world.reset(None, seed=0, render=False).state
    moves = [np.array([0, 0, 1.0, 0, 0, 0, 1])] * 5 + [np.array([0, 0, 0, 0, 0, 0, 1.0])] * 30
    moved = state_after(world, moves)[-1] - start
    np.testing.assert_allclose(moved[:3], [0, 0, 0.1], atol=0.005)


def test_the_gripper_closes_below_zero(world):
    world.reset(None, seed=0, render=False)
    opened, closed = (state_after(world, [np.array([0, 0, 0, 0, 0, 0, sign])] * 20)[-1, 6] for sign in (0.3, -0.3))
    assert opened > 0.07
    assert closed < 0.01


def test_a_reset_forgets_what_went_before(world):
    """calvin_env's own goes another way the second time, by millimetres and more."""
    world.reset(None, seed=5, render=False)
    first = state_after(world, actions(80))
    state_after(world, actions(30)[::-1])
    world.reset(None, seed=5, render=False)
    np.testing.assert_array_equal(state_after(world, actions(80)), first)


def test_a_seed_places_the_blocks(world):
    one, same, other = (world.reset(None, seed, render=False).state for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one[-18:], other[-18:])
    np.testing.assert_array_equal(one[:15], other[:15])


def test_it_starts_where_it_is_told(world):
    found = world.reset(None, seed=3, render=False).state
    robot, scene = found[:15].copy(), found[15:].copy()
    robot[-1], scene[1], scene[4] = -1, 0.15, 1  # gripper command, drawer, light bulb
    again = world.reset(InitialState(robot, scene), seed=0, render=False).state
    np.testing.assert_allclose(again, np.concatenate([robot, scene]), atol=0.01)  # blocks settle in a step


def test_snapshots_go_on_bit_by_bit(world):
    world.reset(None, seed=7, render=False)
    state_after(world, actions(30))
    world.begin_task("open_drawer")
    state_after(world, actions(5))
    snapshot = world.snapshot()
    future = state_after(world, actions(30))
    world.restore(snapshot)
    np.testing.assert_array_equal(state_after(world, actions(30)), future)
    assert world.snapshot().begun == 30


def test_looking_again_does_nothing_again(world, monkeypatch):
    """A chunked policy looks where a task begins: going back to the present must not play the episode again."""
    world.reset(None, seed=7)
    world.begin_task("open_drawer")
    seen = world.step(REACH).observation
    monkeypatch.setattr(world.simulator, "step", None)
    again = world.restore(pickle.loads(pickle.dumps(world.snapshot())))
    assert all((again.images[name] == image).all() for name, image in seen.images.items())
    assert again.images
    np.testing.assert_array_equal(again.state, seen.state)


def test_bad_states(world):
    with pytest.raises(UserError, match=r"scene_obs: got .*nan.* expected 24 finite numbers"):
        world.reset(InitialState(scene_obs=np.full(24, np.nan)), seed=0)


def test_bad_actions(world):
    with pytest.raises(UserError, match="expected 7 finite numbers"):
        world.step(np.array([0, 0, 0, 0, 0, np.nan, 1]))
