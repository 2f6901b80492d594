"""``robovlms data inspect`` and ``stats``: numbers from outside, one offline page, formats told by looking."""

import base64
import io
import json
import re
import sys

import numpy as np
import pytest
import yaml
from bdrbench_files import write_bdrbench
from calvin_files import write_folder
from hdf5_files import write_demos
from PIL import Image

from robovlms.actions.statistics import ActionStatistics
from robovlms.cli import main as cli
from robovlms.core.errors import UnknownName, UserError
from robovlms.data.dataset_statistics import load
from robovlms.data.detect import detect, source_config
from robovlms.data.inspection import inspect
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.reports.data_page import render

HOSTILE = "</td><script>window.hacked = 1</script>{{ 7 * 7 }}\"'&"


@pytest.fixture
def episodes(make_episode):
    return [make_episode(seed, length=4 + 3 * seed) for seed in range(4)]


@pytest.fixture
def folder(tmp_path, action_spec, observation_spec, episodes):
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        for episode in episodes:
            writer.add(episode)
    return tmp_path / "set"


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["robovlms", "data", *map(str, arguments)])
    code = cli.run(cli.app)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_stats_are_those_of_all_rows(folder, episodes, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "stats", folder)
    assert code == 0
    found = load(folder / "statistics.json")
    assert found.action == ActionStatistics.of(np.concatenate([e.actions for e in episodes]))
    assert found.state == ActionStatistics.of(np.concatenate([e.state for e in episodes]))
    assert found.state_names == ("tcp_0", "tcp_1", "tcp_2", "opening")
    assert (found.num_episodes, found.quantile_rank_error) == (4, 0)
    assert "position_2" in out
    assert "4 episodes, 34 frames; q01 and q99: exact" in " ".join(out.split())


def test_stats_do_not_depend_on_the_number_of_processes(folder, tmp_path, monkeypatch, capsys):
    found = []
    for workers in (1, 2):
        file = tmp_path / f"{workers}.json"
        code, out, _ = run(monkeypatch, capsys, "stats", folder, "--workers", workers, "--out", file, "--json")
        assert (code, json.loads(out)) == (0, json.loads(file.read_text()))
        found.append(load(file))
    assert found[0] == found[1]
    assert not (folder / "statistics.json").exists()


def test_an_inspection_says_what_there_is(folder, episodes):
    found = inspect(source_config(folder, {}).open(), "set", "lerobot", sheet=2)
    assert found.lengths == (4, 7, 10, 13)
    assert found.tasks == {"open_drawer": 2, "close_drawer": 2}
    assert found.instructions == {"open the drawer": 2, "close it": 2}
    actions = np.concatenate([e.actions for e in episodes])
    numbers = [number for part in found.actions for number in part.numbers]
    np.testing.assert_allclose([number.mean for number in numbers], actions.mean(0), rtol=1e-6)
    np.testing.assert_allclose([number.high for number in numbers], actions.max(0))
    assert {sum(number.counts) for number in numbers} == {34}
    assert found.actions[0].meaning == "delta position, 0.04 m a unit"
    assert {(s.episode, s.camera) for s in found.strips} == {(e, c) for e in (0, 3) for c in ("static", "wrist")}
    strip = next(s for s in found.strips if (s.episode, s.camera) == (3, "static"))
    assert strip.rows == (0, 3, 6, 9, 12)
    np.testing.assert_array_equal(strip.frames, episodes[3].images["static"][[0, 3, 6, 9, 12]])


def test_inspect_in_the_terminal_as_json_and_as_a_page(folder, tmp_path, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "inspect", folder, "--html", tmp_path / "page.html")
    assert code == 0
    for words in ("4 episodes, 34 frames at 10 Hz (3 s)", "camera static: 24 x 16", "open the drawer", "█"):
        assert words in out
    page = (tmp_path / "page.html").read_text()
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page)
    images = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(images) == 8
    assert Image.open(io.BytesIO(base64.b64decode(images[0]))).size == (4 * 24, 16)
    code, out, _ = run(monkeypatch, capsys, "inspect", folder, "--json")
    listed = json.loads(out)
    assert (code, listed["num_frames"], listed["cameras"][1]["name"]) == (0, 34, "wrist")
    assert len(listed["actions"][0]["numbers"]) == 3


def test_nothing_in_the_data_becomes_part_of_the_page(tmp_path, action_spec, observation_spec, make_episode):
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        writer.add(make_episode(0, instruction=HOSTILE))
    page = render(inspect(source_config(tmp_path / "set", {}).open(), HOSTILE, "lerobot"))
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;" in page


def test_formats_are_told_by_looking(folder, tmp_path, bridge):
    (tmp_path / "demos").mkdir()
    demos = write_demos(tmp_path / "demos/open_it_demo.hdf5", (3, 4))
    calvin = write_folder(tmp_path / "task_D/training").parent
    write_bdrbench(tmp_path / "bdrbench")
    found = [detect(path) for path in (folder, bridge, demos, demos.parent, calvin, tmp_path / "bdrbench")]
    assert found == ["lerobot", "rlds", "hdf5", "hdf5", "calvin", "bdrbench"]
    with pytest.raises(UserError, match="does not exist"):
        detect(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no file that a format is known by"):
        detect(tmp_path / "empty")
    with pytest.raises(UnknownName, match="Did you mean 'calvin'"):
        source_config(calvin, {}, "calvn")
    with pytest.raises(UnknownName, match="Did you mean 'instruction'"):
        source_config(demos, {"instructions": "open it"})


def test_settings_of_an_experiment_serve(tmp_path, monkeypatch, capsys):
    demos = write_demos(tmp_path / "open_it_demo.hdf5", (3, 4))
    entry = {"kind": "hdf5", "path": "elsewhere", "instruction": "open it now"}
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump({"name": "mine", "data": [entry]}))
    arguments = ["inspect", demos, "--config", tmp_path / "experiment.yaml", "--json"]
    code, out, _ = run(monkeypatch, capsys, *arguments)
    assert (code, json.loads(out)["instructions"]) == (0, {"open it now": 2})
    code, out, _ = run(monkeypatch, capsys, *arguments, "--instruction", "close it")
    assert (code, json.loads(out)["instructions"]) == (0, {"close it": 2})
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump({"data": [entry, {**entry, "path": "other"}]}))
    code, _, err = run(monkeypatch, capsys, *arguments)
    assert code == 2
    assert "got 0 entries" in err
