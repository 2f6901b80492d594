"""The ``lerobot`` package itself: 0.4.4 reads what our writer wrote, and we read what it wrote and converted.

lerobot asks for an older torch and huggingface_hub than this project, so it mostly lives in an environment of its own;
0.3.3 is the last that writes v2.1, and 0.4.4 converts that to v3.0:

    LEROBOT_PYTHON=.../bin/python LEROBOT_V2_PYTHON=.../bin/python python -m pytest tests/data/test_lerobot_package.py
"""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.lerobot.writer import LeRobotWriter

PYTHON = os.environ.get("LEROBOT_PYTHON", sys.executable)
V2_PYTHON = os.environ.get("LEROBOT_V2_PYTHON")

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

WRITE = """
import sys
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

path, kind, truth = sys.argv[1:]
features = {
    "observation.images.top": {"dtype": kind, "shape": (96, 128, 3), "names": ["height", "width", "channels"]},
    "observation.state": {"dtype": "float32", "shape": (4,), "names": None},
    "action": {"dtype": "float32", "shape": (7,), "names": None},
}
dataset = LeRobotDataset.create("local/set", fps=10, features=features, root=path, use_videos=kind == "video")
rng, images, states, actions, tasks = np.random.default_rng(0), [], [], [], []
for episode in range(3):
    for i in range(8 + episode):
        images.append(np.zeros((96, 128, 3), np.uint8))
        images[-1][:, : 10 * (i + 1)] = 40 + 15 * i
        states.append(rng.normal(size=4).astype(np.float32))
        actions.append(rng.uniform(-1, 1, 7).astype(np.float32))
        tasks.append("then this" if episode == 2 and i >= 6 else f"task {episode % 2}")
        frame = {"observation.images.top": images[-1], "observation.state": states[-1], "action": actions[-1]}
        dataset.add_frame(frame, task=tasks[-1])
    dataset.save_episode()
np.savez(truth, images=images, state=states, actions=actions, tasks=tasks)
"""


def run(tmp_path, python, *arguments):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run([python, *map(str, arguments)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def read(tmp_path):
    """Reads a data set with lerobot in its own process; arrays by column, one row a frame."""
    if sys.executable == PYTHON:
        pytest.importorskip(
            "lerobot", reason="lerobot is not installed; LEROBOT_PYTHON may name an interpreter with it"
        )

    def call(path):
        run(tmp_path, PYTHON, "-c", READ, path, tmp_path / "read.npz")
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


@pytest.mark.skipif(V2_PYTHON is None, reason="LEROBOT_V2_PYTHON may name an interpreter with lerobot 0.3.3")
@pytest.mark.parametrize(("kind", "tolerance"), [("image", 0), ("video", 10)])
def test_we_read_what_lerobot_writes_and_converts(tmp_path, kind, tolerance):
    path = tmp_path / "local" / "set"
    run(tmp_path, V2_PYTHON, "-c", WRITE, path, kind, tmp_path / "truth.npz")
    require_equal(path, "v2.1", tmp_path / "truth.npz", tolerance)
    if sys.executable != PYTHON:
        shutil.rmtree(path / "images", ignore_errors=True)
        converter = "lerobot.datasets.v30.convert_dataset_v21_to_v30"
        where = ("--repo-id", "local/set", "--root", tmp_path, "--push-to-hub", "false")
        run(tmp_path, PYTHON, "-m", converter, *where, "--force-conversion")
        require_equal(path, "v3.0", tmp_path / "truth.npz", tolerance)


def require_equal(path, version, truth, tolerance):
    dataset, expected = LeRobotDataset(path), np.load(truth)
    assert (dataset.info.codebase_version, dataset.lengths()) == (version, [8, 9, 6, 4])
    episodes = list(dataset)
    for name in ("state", "actions"):
        np.testing.assert_array_equal(np.concatenate([getattr(one, name) for one in episodes]), expected[name])
    assert [one.instruction for one in episodes for _ in range(len(one))] == expected["tasks"].tolist()
    pixels = np.concatenate([one.images["top"] for one in episodes]).astype(int)
    assert np.abs(pixels - expected["images"]).max() <= tolerance
