"""The ``lerobot`` package itself (0.4.4) reads what our writer wrote: every value, window and sentence.

lerobot asks for an older torch and huggingface_hub than this project, so it mostly lives in an environment of its own:

    LEROBOT_PYTHON=.../bin/python python -m pytest tests/data/test_lerobot_package.py
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from robovlms.data.lerobot_writer import LeRobotWriter

PYTHON = os.environ.get("LEROBOT_PYTHON", sys.executable)

READ = """
import sys
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

path, out = sys.argv[1:]
dataset = LeRobotDataset("local/set", root=path, delta_timestamps={"action": [0.0, 0.1, 0.2]})
rows = [dataset[index] for index in range(len(dataset))]
columns = {key: np.stack([np.asarray(row[key]) for row in rows]) for key in rows[0]}
stats = {f"stats/{key}": np.asarray(dataset.meta.stats[key]["mean"]) for key in ("action", *dataset.meta.camera_keys)}
second = len(LeRobotDataset("local/set", root=path, episodes=[1]))
np.savez(out, fps=dataset.fps, episodes=dataset.num_episodes, second=second, **columns, **stats)
"""


@pytest.fixture
def read(tmp_path):
    """Reads a data set with lerobot in its own process; arrays by column, one row a frame."""
    if sys.executable == PYTHON:
        pytest.importorskip(
            "lerobot", reason="lerobot is not installed; LEROBOT_PYTHON may name an interpreter with it"
        )

    def call(path):
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
        command = [PYTHON, "-c", READ, path, tmp_path / "read.npz"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return np.load(tmp_path / "read.npz")

    return call


def test_lerobot_reads_our_data(read, tmp_path, action_spec, observation_spec, make_episode):
    episodes = [make_episode(seed, length=4 + seed) for seed in range(3)]
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        for episode in episodes:
            writer.add(episode)
    got = read(tmp_path / "set")
    lengths = [len(episode.actions) for episode in episodes]
    assert (got["fps"], got["episodes"], got["second"]) == (10, 3, lengths[1])
    np.testing.assert_array_equal(got["episode_index"], np.repeat(range(3), lengths))
    np.testing.assert_array_equal(got["frame_index"], np.concatenate([np.arange(n) for n in lengths]))
    np.testing.assert_array_equal(got["index"], np.arange(sum(lengths)))
    np.testing.assert_allclose(got["timestamp"], got["frame_index"] / 10, atol=1e-6)
    assert got["task"].tolist() == [e.instruction for e, n in zip(episodes, lengths, strict=True) for _ in range(n)]
    np.testing.assert_array_equal(got["observation.state"], np.concatenate([e.state for e in episodes]))
    for camera in ("static", "wrist"):
        pixels = np.concatenate([e.images[camera] for e in episodes]).transpose(0, 3, 1, 2) / 255
        np.testing.assert_allclose(got[f"observation.images.{camera}"], pixels, atol=1e-6)
        np.testing.assert_allclose(got[f"stats/observation.images.{camera}"][:, 0, 0], pixels.mean((0, 2, 3)))
    windows, padded = zip(*(chunks(episode.actions) for episode in episodes), strict=True)
    np.testing.assert_array_equal(got["action"], np.concatenate(windows))
    np.testing.assert_array_equal(got["action_is_pad"], np.concatenate(padded))
    np.testing.assert_allclose(got["stats/action"], np.concatenate([e.actions for e in episodes]).mean(0), atol=1e-6)


def chunks(actions, size=3):
    """The next ``size`` actions of every frame, the last one repeated, and which are repeats."""
    rows = np.arange(len(actions))[:, None] + np.arange(size)
    return actions[np.minimum(rows, len(actions) - 1)], rows >= len(actions)
