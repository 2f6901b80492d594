"""The reader and the doctor on a folder that calvin_env itself wrote, where ROBOVLMS_CALVIN_ENV names a clone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from robovlms.actions.spec import mismatches
from robovlms.data.detect import source_config
from robovlms.data.doctor.checks import diagnose
from robovlms.data.doctor.examined import examine
from robovlms.data.doctor.verified import verified
from robovlms.worlds.calvin.env import OBSERVATIONS

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "record_calvin.py"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    if not os.environ.get("ROBOVLMS_CALVIN_ENV"):
        pytest.skip("ROBOVLMS_CALVIN_ENV names no clone of mees/calvin_env")
    pytest.importorskip("pybullet")
    folder = tmp_path_factory.mktemp("recorded")
    options = ["--out", folder / "training", "--episodes", "1", "--renderer", "tiny"]
    subprocess.run([sys.executable, "-W", "ignore", PROGRAM, *options], check=True)
    return source_config(folder, {})


def test_the_reader_finds_what_was_done(recorded):
    dataset = recorded.open()
    assert [span.task for span in dataset.spans] == ["turn_on_led", "turn_off_led"]
    assert not mismatches(dataset.observation_spec, OBSERVATIONS)
    for span, lit in zip(dataset.spans, ((0, 1), (1, 0)), strict=True):
        episode = dataset.read(span.row)
        assert tuple(episode.state[[0, -1], 15 + 5]) == lit
        assert "led" in episode.instruction or "light" in episode.instruction or "button" in episode.instruction


def test_relative_actions_lead_from_state_to_state(recorded):
    dataset = recorded.open()
    for number in range(len(dataset)):
        episode = dataset.read(number)
        way = np.diff(episode.state[:, :6].astype(float), axis=0)
        way[:, 3:] = (way[:, 3:] + np.pi) % (2 * np.pi) - np.pi
        scale = np.repeat([0.02, 0.05], 3)
        free = np.abs(episode.actions[:-1, :6]) < 1
        np.testing.assert_allclose((way - episode.actions[:-1, :6] * scale)[free], 0, atol=1e-5)
        np.testing.assert_array_equal(episode.actions[:-1, 6], episode.state[1:, 14])


def test_the_doctor_verifies_it(recorded):
    data = examine(recorded.open(), recorded)
    assert diagnose(data) == []
    assert {"position", "rotation"} <= set(verified(data))
