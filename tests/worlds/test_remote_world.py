"""A world in another process is the same world; its troubles are told apart, with its last words."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from robovlms.core.errors import UserError
from robovlms.core.files import write_json
from robovlms.core.protocols import World
from robovlms.core.trace import Traced
from robovlms.core.types import Observation
from robovlms.worlds.remote import wire
from robovlms.worlds.remote.process import WorldLost
from robovlms.worlds.remote.world import ask, remote_world
from robovlms.worlds.tabletop import ACTION_SPEC, Tabletop, observation_spec
from robovlms.worlds.tabletop.chains import chains

REMEDY = "Run: make world-odd"
ACTION = np.array([0.5, 0.3, -0.4, 0.2, -0.1, 0.4, -1.0])


@pytest.fixture
def odd(monkeypatch):
    """Opens an ``OddWorld`` elsewhere, and closes what was opened."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    opened = []

    def open_it(task=None, python=sys.executable, **settings):
        timeout = settings.pop("timeout", 60.0)
        specs = (ACTION_SPEC, observation_spec())
        world = remote_world(python, "odd_world:OddWorld", settings, *specs, REMEDY, timeout)
        opened.append(world)
        if task:
            world.begin_task(task)
        return world

    yield open_it
    for world in opened:
        world.close()


def played(world: World) -> list[Observation]:
    """An episode with a step back in the middle, every third step drawn."""
    chain = chains(1)[0]
    seen = [world.reset(chain.initial_state, chain.seed, render=True)]
    world.begin_task(chain.tasks[0])
    rng = np.random.default_rng(0)
    for number in range(12):
        if number == 6:
            kept = world.snapshot()
        action = np.clip(ACTION + rng.uniform(-0.5, 0.5, 7), -1, 1)
        seen.append(world.step(action, render=number % 3 == 0).observation)
    seen.append(world.restore(kept))
    seen += [world.step(ACTION).observation]
    return seen


@pytest.mark.render
def test_an_episode_is_bit_for_bit_the_local_one():
    local = Tabletop("A", image_size=48)
    settings = {"scene": "A", "image_size": 48}
    remote = remote_world(
        sys.executable, "robovlms.worlds.tabletop:Tabletop", settings, ACTION_SPEC, local.observation_spec
    )
    assert isinstance(remote, World)
    assert remote.tasks == local.tasks
    assert remote.instructions("open_drawer", "train") == local.instructions("open_drawer", "train")
    for here, there in zip(played(local), played(remote), strict=True):
        np.testing.assert_array_equal(here.state, there.state)
        assert here.images.keys() == there.images.keys()
        for name, image in here.images.items():
            np.testing.assert_array_equal(image, there.images[name])
    assert isinstance(remote, Traced)
    assert (remote.aim(), remote.moment().touched) == (local.aim(), local.moment().touched)
    np.testing.assert_array_equal(remote.moment().tool, local.moment().tool)
    local.close()
    remote.close()


def test_a_crash_is_told_with_its_last_words(odd):
    world = odd("crash")
    with pytest.raises(WorldLost, match=r"died \(exit code 7\)\. It printed last:\nnan in qacc"):
        world.step(ACTION)


def test_a_hang_is_ended(odd):
    world = odd("hang", timeout=2.0)
    with pytest.raises(WorldLost, match=r"gave no answer within 2 s .*\nwaiting for the display"):
        world.step(ACTION)


def test_what_the_world_raises_is_told_with_its_trace(odd):
    with pytest.raises(WorldLost, match="ZeroDivisionError: mass is zero"):
        odd("raise").step(ACTION)


def test_a_refusal_is_the_users_and_the_world_goes_on(odd):
    world = odd("refuse")
    with pytest.raises(UserError, match=r"^Action: got 8 numbers, expected 7\.$"):
        world.step(ACTION)
    world.begin_task("print")
    step = world.step(ACTION)
    np.testing.assert_array_equal(step.observation.state, ACTION)
    assert dict(step.info) == {"count": 3}


def test_no_code_comes_across(odd):
    with pytest.raises(pickle.UnpicklingError, match=r"sys\.exit is no plain value"):
        odd("lie").step(ACTION)
    with pytest.raises(pickle.UnpicklingError, match=r"robovlms\.core\.files\.write_json is no"):
        wire.load(wire.dump(write_json))


@pytest.mark.parametrize("renamed", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_arrays_of_other_numpys_are_read(renamed):
    strided = wire.dump(np.arange(6.0).reshape(2, 3).T[::2])
    old, new = b"numpy.core.multiarray", b"numpy._core.multiarray"
    other = strided.replace(b"\x8c" + bytes([len(new)]) + new, b"\x8c" + bytes([len(renamed)]) + renamed.encode())
    assert (old in other) == (renamed.encode() == old)
    payload = other[11:] if other[2:3] == b"\x95" else other[2:]  # without the frame, whose length has changed
    np.testing.assert_array_equal(wire.load(other[:2] + payload), [[0.0, 3.0], [2.0, 5.0]])


def test_no_interpreter(odd):
    with pytest.raises(UserError, match=r"nowhere/python does not run \(No such file .*\)\. Run: make world-odd"):
        odd(python="/nowhere/python")


def test_no_python(odd):
    with pytest.raises(UserError, match=r"(?s)true is no Python that runs our code \(exit code 0\).*make world-odd"):
        odd(python="/bin/true")


def test_without_the_simulator(odd):
    with pytest.raises(UserError, match=rf"{sys.executable} has no package 'pybullet_of_old'\. Run: make world-odd"):
        odd(lacks="pybullet_of_old")


def test_only_what_can_be_traced_is(odd):
    assert not isinstance(odd(), Traced)


def test_a_function_is_asked(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    np.testing.assert_array_equal(ask(sys.executable, "odd_world:facts", {"n": 3})["squares"], [0, 1, 4])


ORPHAN = """
import os, sys
from robovlms.worlds.remote.process import Interpreter
process = Interpreter(sys.executable, "", 60.0)
print(process._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_it_ends_with_the_process_that_opened_it():
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        __import__("time").sleep(0.1)
    raise AssertionError(f"process {pid} outlived its opener")
