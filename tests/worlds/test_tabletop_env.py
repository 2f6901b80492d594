"""The tabletop's physics and pictures: what a policy and an evaluation rely on."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from robovlms.actions.spec import mismatches
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.protocols import World
from robovlms.worlds import gl
from robovlms.worlds.tabletop import ACTION_SPEC, Tabletop, observation_spec
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.geometry import DOOR_TRAVEL, DRAWER_TRAVEL
from robovlms.worlds.tabletop.initial import InitialState
from robovlms.worlds.tabletop.placing import JITTER
from robovlms.worlds.tabletop.scenes import BLOCK_RGB, SCENES
from robovlms.worlds.tabletop.state import BLOCKS

STAY = np.array([0, 0, 0, 0, 0, 0, 1.0])
HOLD = np.array([0, 0, 0, 0, 0, 0, -1.0])


@pytest.fixture(scope="module")
def world():
    return Tabletop("D")


def run(world, actions, steps=None):
    for index, action in enumerate(actions):
        if index == steps:
            return
        world.step(action, render=False)


def do(world, task):
    world.begin_task(task)
    return any(world.step(action, render=False).success for action in expert(world, task))


def random_actions(seed, count):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 7))


def test_it_is_a_world_with_the_documented_numbers(world):
    assert isinstance(world, World)
    assert world.action_spec is ACTION_SPEC
    assert ACTION_SPEC.dims == 7
    assert ACTION_SPEC.gripper.gripper_closed == -1
    assert not mismatches(world.observation_spec, observation_spec(64))
    observation = world.reset(InitialState(), seed=0, render=False)
    assert observation.images == {}
    assert observation.state.shape == (world.observation_spec.state_dims,) == (15,)
    assert world.scene_obs().shape == (24,)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_grasp_is_stable(world, name):
    """Lift, hold 3 s: the block must neither climb nor slide in the fingers, as it does with other contact settings."""
    world.reset(InitialState(), seed=11, render=False)
    assert do(world, f"lift_{name}_block_table")
    run(world, [HOLD] * 3)
    before = world.state().blocks[name].position - world.simulation.pose[:3]
    run(world, [HOLD] * 30)
    state = world.state()
    after = state.blocks[name].position - world.simulation.pose[:3]
    assert state.held == name
    assert np.abs(after - before).max() < 0.003
    assert abs(after[2]) < 0.008


def test_blocks_at_rest_do_not_creep(world):
    world.reset(InitialState(red="slider_left", blue="drawer", drawer="open"), seed=5, render=False)
    before = world.scene_obs()[6:]
    run(world, [STAY] * 50)
    np.testing.assert_allclose(world.scene_obs()[6:], before, atol=3e-4)


@pytest.mark.parametrize("slider", ["left", "right"])
@pytest.mark.parametrize("drawer", ["open", "closed"])
@pytest.mark.parametrize("lit", [True, False])
def test_fixtures_start_as_asked_and_stay(world, slider, drawer, lit):
    world.reset(InitialState(slider=slider, drawer=drawer, lightbulb=lit, led=lit), seed=2, render=False)
    for _ in range(2):
        state = world.state()
        assert state.slider == pytest.approx(DOOR_TRAVEL if slider == "left" else 0, abs=0.002)
        assert state.drawer == pytest.approx(DRAWER_TRAVEL if drawer == "open" else 0, abs=0.002)
        assert (state.bulb, state.led) == (lit, lit)
        run(world, [STAY] * 20)


def test_fixtures_stay_where_they_are_left(world):
    world.reset(InitialState(), seed=4, render=False)
    for task in ("open_drawer", "move_slider_left", "turn_on_lightbulb", "turn_on_led"):
        assert do(world, task)
    left = world.state()
    run(world, [np.array([0, 0, 1, 0, 0, 0, 1.0])] * 30)
    state = world.state()
    assert state.slider == pytest.approx(left.slider, abs=0.002)
    assert state.drawer == pytest.approx(left.drawer, abs=0.002)
    assert state.switch == pytest.approx(left.switch, abs=0.05)
    assert state.bulb
    assert state.led


@pytest.mark.parametrize("place", ["table", "slider_left", "slider_right", "drawer", "gripper"])
def test_a_reset_puts_blocks_where_it_says(world, place):
    for seed in range(5):
        world.reset(InitialState(red=place, drawer="open"), seed=seed, render=False)
        state = world.state()
        assert state.blocks["red"].surface == place.split("_")[0]
        assert state.held == ("red" if place == "gripper" else None)
        if place.startswith("slider"):
            assert (state.blocks["red"].position[0] < state.cabinet_x) == (place == "slider_left")


def test_fixtures_are_jittered_within_bounds_and_scenes_differ(world):
    positions = {name: [] for name in JITTER}
    for seed in range(12):
        world.reset(InitialState(), seed=seed, render=False)
        for name in JITTER:
            positions[name].append(world.simulation.model.body(name).pos - world.simulation.nominal[name])
    for name, bound in JITTER.items():
        spread = np.array(positions[name])[:, :2]
        assert (np.abs(spread) <= bound).all()
        assert (np.ptp(spread, axis=0) >= np.array(bound) * 0.8).all()
    assert len({(s.cabinet, s.drawer_x, s.switch, s.button, s.look) for s in SCENES.values()}) == 4


def test_scene_d_lies_within_the_others():
    *seen, held_out = (SCENES[name] for name in "ABCD")
    for field in ("cabinet", "switch", "button"):
        points = np.array([getattr(scene, field) for scene in seen])
        point = np.array(getattr(held_out, field))
        assert (points.min(0) <= point).all()
        assert (point <= points.max(0)).all()
    assert min(s.drawer_x for s in seen) <= held_out.drawer_x <= max(s.drawer_x for s in seen)


def test_restore_gives_bit_identical_futures(world):
    world.reset(InitialState(red="gripper", led=True), seed=8, render=False)
    world.begin_task("stack_block")
    run(world, random_actions(0, 10))
    saved = world.snapshot()
    first = [(world.step(a, render=False), world.scene_obs()) for a in random_actions(1, 15)]
    world.reset(InitialState(drawer="open"), seed=99, render=False)
    world.restore(saved, render=False)
    second = [(world.step(a, render=False), world.scene_obs()) for a in random_actions(1, 15)]
    for (one, scene_one), (two, scene_two) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.observation.state, two.observation.state)
        np.testing.assert_array_equal(scene_one, scene_two)
        assert one.success == two.success


def test_restore_in_another_world_of_the_scene(world):
    world.reset(InitialState(), seed=1, render=False)
    saved, other = world.snapshot(), Tabletop("D")
    other.restore(saved, render=False)
    for action in random_actions(2, 10):
        a, b = world.step(action, render=False), other.step(action, render=False)
        np.testing.assert_array_equal(a.observation.state, b.observation.state)
    np.testing.assert_array_equal(world.scene_obs(), other.scene_obs())
    assert other.fixtures().keys() == world.fixtures().keys()
    np.testing.assert_array_equal(other.fixtures()["bulb"], world.fixtures()["bulb"])


_DIGEST = """
import hashlib, numpy as np
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.initial import InitialState
world = Tabletop("A")
world.reset(InitialState(red="slider_left"), seed=3, render=False)
rng, digest = np.random.default_rng(0), hashlib.sha256()
for _ in range(20):
    digest.update(world.step(rng.uniform(-1, 1, 7), render=False).observation.state.tobytes())
    digest.update(world.scene_obs().tobytes())
print(digest.hexdigest())
"""


def test_same_seed_same_bytes_in_any_process():
    environment = {**os.environ, "MUJOCO_GL": "disable"}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _DIGEST], env=environment, capture_output=True, check=True, text=True
        ).stdout
        for _ in range(2)
    ]
    world = Tabletop("A")
    world.reset(InitialState(red="slider_left"), seed=3, render=False)
    rng, digest = np.random.default_rng(0), hashlib.sha256()
    for _ in range(20):
        digest.update(world.step(rng.uniform(-1, 1, 7), render=False).observation.state.tobytes())
        digest.update(world.scene_obs().tobytes())
    assert outputs == [digest.hexdigest() + "\n"] * 2


def test_random_actions_never_leave_the_workspace_or_diverge(world):
    world.reset(InitialState(drawer="open"), seed=6, render=False)
    for action in np.repeat(random_actions(3, 12), 6, axis=0):
        state = world.step(action, render=False).observation.state
        assert np.isfinite(state).all()
        assert np.abs(state[:3]).max() < 0.55


def test_the_button_toggles_once_a_press(world):
    world.reset(InitialState(), seed=0, render=False)
    assert do(world, "turn_on_led")
    run(world, [HOLD] * 10)
    assert world.state().led
    assert do(world, "turn_off_led")


def test_bad_input_is_refused_clearly(world):
    with pytest.raises(UnknownName, match=r"Unknown scene 'E'.*A, B, C, D"):
        Tabletop("E")
    with pytest.raises(UserError, match="8 to 1280"):
        Tabletop("D", image_size=4)
    world.reset(InitialState(), seed=0, render=False)
    with pytest.raises(UnknownName, match="Did you mean 'open_drawer'"):
        world.begin_task("open_drawers")
    with pytest.raises(UserError, match="seven finite numbers"):
        world.step(np.full(7, np.nan))
    with pytest.raises(UserError, match="expected an InitialState"):
        world.reset("table", seed=0)


def test_no_opengl_names_the_apt_line(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(gl, "_works", lambda name: False)
    with pytest.raises(UserError, match="apt-get install"):
        gl.choose_backend()


def test_a_backend_chosen_by_hand_that_fails_is_one_clear_message():
    code = "from robovlms.worlds.tabletop import Tabletop\nfrom robovlms.core.errors import UserError\n"
    code += "try:\n    Tabletop('D').render('static')\nexcept UserError as error:\n    print(error)"
    environment = {**os.environ, "MUJOCO_GL": "glfw", "DISPLAY": ""}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True)
    assert "MUJOCO_GL=glfw does not work" in done.stdout
    assert "apt-get install" in done.stdout


def test_mujoco_imported_before_its_backend_was_chosen_is_one_clear_message():
    code = "import mujoco\nfrom robovlms.worlds.tabletop import Tabletop\nfrom robovlms.core.errors import UserError\n"
    code += "try:\n    Tabletop('D').render('static')\nexcept UserError as error:\n    print(error)"
    environment = {name: value for name, value in os.environ.items() if name not in ("MUJOCO_GL", "DISPLAY")}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True)
    assert "MuJoCo was imported before MUJOCO_GL was " in done.stdout
    assert "it has glfw" in done.stdout


def test_the_backend_is_tried_in_order_and_remembered(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.setattr(gl, "_works", lambda name: name == "osmesa")
    assert gl.choose_backend() == "osmesa"
    monkeypatch.setattr(gl, "_works", lambda name: pytest.fail("probed again"))
    assert gl.choose_backend() == "osmesa"


@pytest.fixture(scope="module")
def drawn():
    world = Tabletop("D", image_size=(64, 48))
    yield world
    world.close()


@pytest.mark.render
def test_pictures_have_the_sizes_asked_for_and_repeat(drawn):
    first = drawn.reset(InitialState(), seed=1).images
    assert first["static"].shape == (64, 64, 3)
    assert first["wrist"].shape == (48, 48, 3)
    assert drawn.render("static", (90, 120)).shape == (90, 120, 3)
    again = drawn.reset(InitialState(), seed=1).images
    np.testing.assert_array_equal(first["static"], again["static"])
    np.testing.assert_array_equal(first["wrist"], again["wrist"])
    assert drawn.step(STAY, render=False).observation.images == {}


@pytest.mark.render
@pytest.mark.parametrize("camera", ["static", "wrist"])
def test_project_agrees_with_the_pictures(drawn, camera):
    """A block made pure green must appear where ``project`` puts its corners' bounding box."""
    found = 0
    for seed in range(6):
        drawn.reset(InitialState(red="slider_left", pink="slider_right"), seed=seed, render=False)
        geom = drawn.simulation.model.geom("blue")
        kept = geom.rgba.copy()
        geom.rgba[:] = (0, 1, 0, 1)
        image = drawn.render(camera, 256).astype(int)
        geom.rgba[:] = kept
        green = (image[..., 1] > 2 * image[..., 0] + 30) & (image[..., 1] > 2 * image[..., 2] + 30)
        block = drawn.state().blocks["blue"]
        pixels, inside = drawn.project(block.position[None], camera, 256)
        if inside[0] and green.sum() > 60 and not _touches_the_edge(green):
            found += 1
            rows, columns = np.nonzero(green)
            centre = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
            assert np.hypot(*(pixels[0] - centre)) < (4 if camera == "static" else 14)
    assert found


def _touches_the_edge(mask):
    return mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()


@pytest.mark.render
def test_lights_and_block_colours_show(drawn):
    """What changes must change pixels where it stands, at the size a policy sees."""
    drawn.reset(InitialState(), seed=3, render=False)
    spots = {name: drawn.project(drawn.fixtures()[name][None], "static", 64)[0][0] for name in ("bulb", "led")}
    dark = drawn.render("static", 64)
    drawn.simulation.bulb = drawn.simulation.led = True
    lit = drawn.render("static", 64)
    for column, row in (spot.astype(int) for spot in spots.values()):
        assert np.abs(lit[row, column].astype(int) - dark[row, column]).max() > 80
    assert set(BLOCK_RGB) == set(BLOCKS)


@pytest.mark.render
def test_everything_of_interest_is_in_the_static_frame(drawn):
    for slider, drawer in (("left", "open"), ("right", "closed")):
        for seed in range(3):
            drawn.reset(InitialState(slider=slider, drawer=drawer), seed=seed, render=False)
            points = np.array([*drawn.fixtures().values(), *(b.position for b in drawn.state().blocks.values())])
            assert drawn.project(points, "static")[1].all()
