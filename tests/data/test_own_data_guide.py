"""The guide "Bring your own robot data" is followed from zero: its files and commands as they stand."""

import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from robovlms.cli import main as cli
from robovlms.core.geometry import to_matrix
from robovlms.data.sources import LeRobotConfig

GUIDE = (Path(__file__).parents[2] / "docs" / "own_data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
FILES = {re.match(r"# ([\w.]+)", text)[1]: text for language, text in BLOCKS if language}
LINES = [line for language, text in BLOCKS if not language for line in text.splitlines()]
COMMANDS = [line for line in LINES if line.startswith(("python ", "robovlms "))]
FEWER = ("EPISODES = 24\n", "EPISODES = 10\n")
MODEL = {
    "kind": "cnn",
    "architecture": {"kind": "film_cnn", "channels": [8, 8, 8], "width": 16, "text_width": 8},
    "head": {"kind": "mlp", "hidden": 16},
}
QUICK = ["--model", json.dumps(MODEL), "--training.steps", "2", "--training.batch_size", "4"]


@pytest.fixture
def follow(tmp_path, monkeypatch, capsys):
    """Runs a command of the guide in a folder with its files; returns its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_robot", raising=False)
    for name, text in FILES.items():
        Path(name).write_text(text)
    change("record.py", *FEWER)

    def run(command):
        program, *arguments = shlex.split(command)
        code = 0
        if program == "python":
            runpy.run_path(arguments[0])
        else:
            monkeypatch.setattr(sys, "argv", [program, *arguments, *(QUICK if arguments[0] == "train" else [])])
            code = cli.run(cli.app)
        return code, capsys.readouterr().out

    yield run
    sys.modules.pop("my_robot", None)


def change(name, old, new):
    text = Path(name).read_text()
    assert text.count(old) == 1, f"{name} has no line {old!r}"
    Path(name).write_text(text.replace(old, new))


def quoted(first):
    """The block of the guide with output that begins like this."""
    (found,) = [text for language, text in BLOCKS if not language and text.startswith(first)]
    return found


def test_every_command_of_the_guide_works(follow):
    said = {}
    for command in COMMANDS:
        code, said[command] = follow(command)
        assert code == 0, command
    assert len(said) == 8
    healthy = re.sub(r"^24 episodes, \d+ frames", "10 episodes, 340 frames", quoted("24 episodes"))
    assert said["robovlms data doctor mine"] == healthy
    assert set(json.loads(Path("RUN/open_loop.json").read_text())) == {"metrics"}
    assert Path("mine.html").is_file()
    assert Path("report.html").is_file()
    assert said["python act.py"].count(" m, ") == 34


def test_the_episodes_are_what_was_recorded(follow):
    follow("python record.py")
    follow("python to_lerobot.py")
    source = LeRobotConfig(path=Path("mine")).open()
    assert len(source) == 10
    episode, log = source.read(3), np.genfromtxt("recordings/003/log.csv", delimiter=",", names=True)
    at = 0.12 + np.arange(len(episode)) / 10  # log rows are 20 ms apart: the camera begins with row 6, 5 rows a step
    rows = 6 + 5 * np.arange(len(episode))
    np.testing.assert_allclose(log["t_s"][rows], at, atol=1e-4)
    np.testing.assert_allclose(episode.state[:, 0], log["x_mm"][rows] / 1000, atol=1e-6)
    np.testing.assert_array_equal(episode.actions[:, 6], log["trigger"][rows] == 0)
    # Carried out on the measured pose, actions lead to the next one.
    np.testing.assert_allclose(episode.state[:-1, :3] + episode.actions[:-1, :3], episode.state[1:, :3], atol=1e-6)
    here = to_matrix(episode.state[:, 3:9], "rotation_6d")
    np.testing.assert_allclose(to_matrix(episode.actions[:-1, 3:6], "axis_angle") @ here[:-1], here[1:], atol=1e-5)
    assert np.abs(here[:, 2, 2] + 1).max() < 1e-3  # the tool points down


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('opened = 1 - log["trigger"][now]', 'opened = log["trigger"][now]', "error: gripper"),
        ("move = np.diff(position, axis=0)", "move = 1000 * np.diff(position, axis=0)", "error: scale"),
    ],
)
def test_the_doctor_finds_the_mistakes_of_the_guide(old, new, told, follow):
    assert f"`{new}`" in GUIDE
    change("to_lerobot.py", old, new)
    for script in ("record.py", "to_lerobot.py"):
        follow(f"python {script}")
    code, out = follow("robovlms data doctor mine")
    assert code == 1
    assert _without_digits(out).startswith(_without_digits(quoted(told)))


def _without_digits(text):
    """Other recordings give another correlation, by a hundredth or two."""
    return re.sub(r"(-0\.9)\d", r"\1", text)
