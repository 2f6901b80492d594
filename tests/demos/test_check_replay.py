"""``robovlms data doctor --replay``: demonstrations go the way that was recorded, unless something is wrong."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from robovlms.cli.main import app
from robovlms.core.errors import UserError
from robovlms.core.types import Episode
from robovlms.data.doctor.kept import Kept
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.demos.chain import collect_chain
from robovlms.demos.check_replay import check
from robovlms.worlds.tabletop import ACTION_SPEC, Tabletop, observation_spec
from robovlms.worlds.tabletop.tasks import FIXTURES_DRAWER

SPEC = observation_spec(16).model_copy(update={"cameras": ()})


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    return collect_chain(Tabletop("D"), FIXTURES_DRAWER, {}, 0, render=False)[0]


def found(episodes, change=lambda episode: episode):
    return check(Kept(ACTION_SPEC, SPEC, tuple((change(e), "", None) for e in episodes)))


def late(episode):
    return replace(episode, actions=np.vstack([episode.actions[:1], episode.actions[:-1]]))


def halved(episode):
    return replace(episode, state=episode.state[::2], actions=episode.actions[::2])


def unfinished(episode):
    return replace(episode, state=episode.state[:-3], actions=episode.actions[:-3])


def broken(episode):
    return replace(episode, actions=np.where(np.arange(7) == 2, np.nan, episode.actions))


def narrow(episode):
    return replace(episode, state=episode.state[:, :8])


def test_what_was_recorded_comes_again(episodes):
    assert len(episodes) > 2
    assert found(episodes) == ([], len(episodes))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (late, "the state is off by"),
        (halved, "the state is off by"),
        (unfinished, "does not succeed"),
        (broken, "seven finite numbers"),
        (narrow, "states of shape"),
    ],
)
def test_another_way_is_a_finding(episodes, change, words):
    (finding,), played = found(episodes, change)
    assert played == len(episodes)
    assert (finding.check, finding.severity) == ("replay", "error")
    assert words in finding.seen
    assert f"{len(episodes)} of {len(episodes)} episodes" in finding.seen


def test_episodes_that_do_not_say_how_they_began_are_not_counted(episodes):
    assert found(episodes, lambda episode: replace(episode, info={})) == ([], 0)


def test_the_command_plays_episodes_again(episodes, tmp_path):
    for name, change in (("right", lambda episode: episode), ("late", late)):
        with LeRobotWriter(tmp_path / name, ACTION_SPEC, SPEC) as writer:
            for episode in episodes:
                writer.add(change(episode))
    told = CliRunner().invoke(app, ["data", "doctor", str(tmp_path / "right"), "--replay", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["verified"]["replay"] == f"{len(episodes)} episodes played again"
    told = CliRunner().invoke(app, ["data", "doctor", str(tmp_path / "late"), "--replay"])
    assert told.exit_code == 1
    assert "error: replay, episode 0" in told.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--world-python", "nowhere/python"], "--world-python nowhere/python without --replay"),
        (["--replay", "--world-python", "nowhere/python"], "World interpreter nowhere/python does not run.*metaworld"),
    ],
)
def test_another_interpreter_is_one_that_plays(options, words, tmp_path):
    told = CliRunner().invoke(app, ["data", "doctor", str(tmp_path), *options])
    assert isinstance(told.exception, UserError)
    assert re.search(words, str(told.exception))
