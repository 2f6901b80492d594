"""Demonstrations played again in their world: the same states, to the bit that files keep."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from robovlms.core.errors import UnknownName
from robovlms.core.types import Episode
from robovlms.demos.chain import collect_chain
from robovlms.demos.metaworld_episode import demonstrate
from robovlms.demos.replay import replay
from robovlms.worlds.metaworld.env import MetaWorld
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.tasks import TASKS


def tabletop_episodes() -> list[Episode]:
    world = Tabletop("A")
    found = [episode for seed in range(2) for episode in collect_chain(world, TASKS, {}, seed, render=False)[0]]
    assert any(episode.info["replay"]["pushes"] for episode in found)
    return found


def metaworld_episodes() -> list[Episode]:
    if not find_spec("metaworld"):
        pytest.skip("pip install 'robovlms[metaworld]'")
    world = MetaWorld()
    found = [demonstrate(world, task, seed, render=False) for task in ("reach-v3", "push-v3") for seed in range(4)]
    assert any(episode and episode.info["replay"]["pushes"] for episode in found)
    assert any(episode and episode.info["replay"]["before"] for episode in found)
    world.close()
    return [episode for episode in found if episode]


@pytest.mark.parametrize("collected", [tabletop_episodes, metaworld_episodes])
def test_states_come_again_and_other_actions_give_other_states(collected):
    episodes = [replace(episode, info=json.loads(json.dumps(episode.info))) for episode in collected()]
    for episode in episodes:
        again = replay(episode)
        assert again is not None
        assert np.array_equal(again.state.astype(np.float32), episode.state)
        assert again.success
    wrong = replay(replace(episodes[0], actions=-episodes[0].actions))
    assert wrong is not None
    assert not wrong.success
    assert np.abs(wrong.state - episodes[0].state).max() > 0.01


def test_what_does_not_say_how_it_began_is_not_played():
    episode = Episode({}, np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32), "reach")
    assert replay(episode) is None
    with pytest.raises(UnknownName, match="tabletop"):
        replay(replace(episode, info={"replay": {"world": "table"}}))
