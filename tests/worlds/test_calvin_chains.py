"""CALVIN's 1,000 chains and where they begin, against what mees/calvin's own code was found to give."""

import hashlib
import json

import numpy as np
import pytest

from robovlms.worlds.calvin.chains import STATES, chains, draw_chains, draw_sequences, is_possible
from robovlms.worlds.calvin.starts import pyhash_fnv1_32, start_of, state_hash
from robovlms.worlds.calvin.symbolic import BLOCKS, TASKS, Symbols, outcome

OFFICIAL = "840cb992c69ce9b6d59f6020966b6300c15233f8e0b9667b6486c1962424d308"
"""SHA-256 of mees/calvin's ``get_sequences(1000)`` at fa03f01, as ``official_json`` writes it."""

HASHES = "02e1bcf96d17882076144fa94f8f3396c022aea5bc237a7a2a4e051ec8825888"
"""SHA-256 of the list of what pyhash 0.9.3, built from its source, says of the 192 states."""


STARTS = "b923c0b065084bcb833312180f7742db67cde5f40f08ec03f2dede9c375e687e"
"""SHA-256 of the 39 numbers, to nine digits, that its ``get_env_state_for_initial_condition`` gives each, by pyhash."""


def condition(state: Symbols) -> dict:
    fixtures = state._asdict()
    blocks = zip(BLOCKS, fixtures.pop("blocks"), strict=True)
    return fixtures | {f"{name}_block": place for name, place in blocks} | {"grasped": 0}


def official_json(found) -> str:
    return json.dumps([[condition(chain.state), list(chain.tasks)] for chain in found])


def test_they_are_the_official_ones():
    assert hashlib.sha256(official_json(chains()).encode()).hexdigest() == OFFICIAL
    assert len(chains()) == 1000
    fixtures = {"led": 1, "lightbulb": 1, "slider": "left", "drawer": "open", "grasped": 0}
    blocks = {"red_block": "slider_left", "blue_block": "table", "pink_block": "slider_right"}
    assert condition(chains()[0].state) == fixtures | blocks
    assert chains()[0].tasks[:2] == ("rotate_blue_block_right", "move_slider_right")
    assert chains()[0].tasks[2:] == ("lift_red_block_slider", "place_in_slider", "turn_off_lightbulb")


@pytest.mark.parametrize("seed", [0, 77, 191])
def test_the_file_is_what_is_drawn(seed):
    state = STATES[seed]
    (first,) = draw_sequences(state, 1, seed)
    assert first in [chain.tasks for chain in chains() if chain.state == state]


@pytest.mark.slow
def test_the_whole_file_is_what_is_drawn():
    assert draw_chains() == list(chains())


def test_numpy_is_left_alone():
    before = np.random.get_state()[1].tolist()
    draw_sequences(STATES[0], 1, 0)
    start_of(STATES[0])
    assert np.random.get_state()[1].tolist() == before


def test_every_chain_is_possible():
    assert all(is_possible(*chain) for chain in chains())
    assert {task for chain in chains() for task in chain.tasks} == set(TASKS)
    assert not is_possible(STATES[0], ("close_drawer", "open_drawer"))
    assert not is_possible(STATES[0], ("turn_on_led", "turn_on_lightbulb"))


ONE_HELD = Symbols(0, 0, "right", "open", ("grasped", "table", "table"))


@pytest.mark.parametrize(
    ("task", "blocks"),
    [
        ("place_in_slider", ("slider_right", "table", "table")),
        ("place_in_drawer", ("drawer", "table", "table")),
        ("stack_block", None),  # on either of two
        ("turn_on_led", None),  # a hand is full
    ],
)
def test_with_a_block_in_the_gripper(task, blocks):
    end = outcome(task, ONE_HELD)
    assert (end and end.blocks) == blocks


def test_blocks_are_lifted_from_where_the_slider_is_not():
    state = Symbols(0, 0, "right", "closed", ("slider_left", "slider_right", "table"))
    assert outcome("lift_red_block_slider", state).blocks[0] == "grasped"
    assert outcome("lift_blue_block_slider", state) is None


def test_a_stack_is_undone():
    state = Symbols(0, 0, "right", "closed", ("grasped", "table", "slider_left"))
    stacked = outcome("stack_block", state)
    assert stacked.blocks == ("stacked_top", "stacked_bottom", "slider_left")
    assert outcome("unstack_block", stacked).blocks == ("table", "table", "slider_left")


def test_a_block_is_pushed_into_the_drawer_while_the_others_are_away():
    state = Symbols(0, 0, "right", "open", ("table", "slider_left", "slider_right"))
    assert outcome("push_into_drawer", state).blocks[0] == "drawer"
    assert outcome("push_into_drawer", state.put({1: "table"})) is None


def test_the_hash_is_that_of_pyhash():
    assert pyhash_fnv1_32("hello world") == 3799943344  # pyhash 0.9.3, asked
    assert hashlib.sha256(json.dumps([state_hash(state) for state in STATES]).encode()).hexdigest() == HASHES


def test_starts_are_the_official_ones():
    starts = np.array([np.concatenate([start.robot_obs, start.scene_obs]) for start in map(start_of, STATES)])
    assert starts.shape == (192, 39)
    assert hashlib.sha256(starts.round(9).tobytes()).hexdigest() == STARTS


def test_a_start_shows_its_symbols():
    state = Symbols(1, 0, "left", "open", ("slider_left", "table", "slider_right"))
    robot, scene = (start := start_of(state)).robot_obs, start.scene_obs
    assert robot[-1] == 1
    assert scene[:6].tolist() == [0.28, 0.22, 0, 0, 0, 1]
    red, blue, pink = scene[6:].reshape(3, 6)
    assert red[0] < pink[0]
    assert blue[2] < red[2] == pink[2]
    assert all(np.pi * 3 / 8 <= block[5] <= np.pi * 5 / 8 for block in (red, blue, pink))
