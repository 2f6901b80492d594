"""Damaged episodes are an error, or left out where ``skip_bad`` says so: with real damage in each kind of file."""

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from calvin_files import write_folder
from lerobot_v2 import V2Folder, recording

from robovlms.actions.statistics import ActionStatistics
from robovlms.cli import main as cli
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData
from robovlms.data.dataset_statistics import load
from robovlms.data.detect import kinds
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.rlds.tfrecord import record_places
from robovlms.data.rlds.writer import RLDSWriter
from robovlms.data.store.build import build_store, cache_folder, open_sources
from robovlms.data.store.cache import load_store

BAD = 3
EPISODES = 7
KILLED = """
import json, os, signal, sys
from pathlib import Path
from robovlms.core.config import validate
from robovlms.data.store import place as store_place
from robovlms.data.detect import kinds
from robovlms.data.store.build import build_store, open_sources

store_place.EPISODES_A_NOTE = 1
settings = json.loads(sys.argv[1])
def at(done, total):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
config = validate(kinds()[settings["kind"]], settings)
build_store(open_sources([config]), cache=Path(sys.argv[2]), on_episode=at)
"""


@pytest.fixture
def write(tmp_path, action_spec, observation_spec, make_episode):
    def write(writer, **options):
        with writer(tmp_path / "set", action_spec, observation_spec, **options) as made:
            for seed in range(EPISODES):
                made.add(make_episode(seed, length=4 + seed))
        return tmp_path / "set"

    return write


@pytest.fixture
def png(write):
    path = write(LeRobotWriter)
    file = path / "data/chunk-000/file-000.parquet"
    table = pq.read_table(file)
    rows = table.to_pylist()
    row = next(i for i, row in enumerate(rows) if row["episode_index"] == BAD) + 2
    rows[row]["observation.images.static"]["bytes"] = rows[row]["observation.images.static"]["bytes"][:100]
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), file)
    return {"kind": "lerobot", "path": str(path)}, rf"file-000.parquet, row {row}"


@pytest.fixture
def mp4(write):
    path = write(LeRobotWriter, image_format="mp4")
    file = path / f"videos/observation.images.static/chunk-000/file-{BAD:03d}.mp4"
    file.write_bytes(file.read_bytes()[:700])
    return {"kind": "lerobot", "path": str(path)}, rf"file-{BAD:03d}.mp4"


@pytest.fixture
def tfrecord(write):
    path = write(RLDSWriter)
    (file,) = path.glob("*.tfrecord*")
    data = bytearray(file.read_bytes())
    data[record_places(file)[BAD].stop - 200] ^= 1
    file.write_bytes(data)
    return {"kind": "rlds", "path": str(path)}, rf"{file.name}, record {BAD}"


@pytest.fixture
def npz(tmp_path):
    spans = [((first, first + 5), "open_drawer", f"pull {first}") for first in range(0, 6 * EPISODES, 6)]
    folder = write_folder(tmp_path / "set" / "training", [(0, 60)], spans, None, scale=3)
    (folder / f"episode_{6 * BAD + 2:07d}.npz").unlink()
    return {
        "kind": "calvin",
        "path": str(tmp_path / "set"),
    }, rf"episode_{6 * BAD + 2:07d}.npz .*auto_lang_ann.npy, row {BAD}\) is missing"


@pytest.fixture(params=["png", "mp4", "tfrecord", "npz"])
def damaged(request):
    """Settings of data whose episode number BAD is damaged, and what its error says."""
    return request.getfixturevalue(request.param)


def opened(settings, **more):
    return open_sources([validate(kinds()[settings["kind"]], settings | more)])


def same(one, other):
    assert (one.instructions, one.tasks, one.sources) == (other.instructions, other.tasks, other.sources)
    for name in ("starts", "ends", "instruction_ids", "source_ids", "held_out", "entry_ids"):
        np.testing.assert_array_equal(getattr(one.episodes, name), getattr(other.episodes, name))
    for name in one.images:
        np.testing.assert_array_equal(one.images[name], other.images[name])
    np.testing.assert_array_equal(one.actions, other.actions)
    np.testing.assert_array_equal(one.state, other.state)
    assert one.skipped == other.skipped


def test_a_store_has_the_sound_episodes(damaged, tmp_path):
    settings, says = damaged
    with pytest.raises(CorruptData, match=says):
        build_store(opened(settings))
    with pytest.raises(CorruptData, match=says):
        build_store(opened(settings), cache=tmp_path / "strict")
    assert list((tmp_path / "strict").iterdir()) == []

    sources = opened(settings, skip_bad=True)
    store = build_store(sources)
    (source,), observation = sources.sources, sources.observation_spec
    sound = [source.read(index, observation.camera_names) for index in range(EPISODES) if index != BAD]
    np.testing.assert_array_equal(store.actions, np.concatenate([episode.actions for episode in sound]))
    for camera, frames in store.images.items():
        np.testing.assert_array_equal(frames, np.concatenate([episode.images[camera] for episode in sound]))
    assert store.episodes.lengths.tolist() == [len(episode) for episode in sound]
    (bad,) = store.skipped
    assert (bad.data, bad.episode) == (settings["path"], BAD)
    with pytest.raises(CorruptData, match=says) as error:
        source.read(BAD, observation.camera_names)
    assert bad.reason == str(error.value)

    cached = build_store(sources, cache=tmp_path / "cache")
    same(cached, store)
    folder = cache_folder(sources, None, tmp_path / "cache")
    same(load_store(folder, verify=True), store)
    assert {array.flags.writeable for array in cached.images.values()} == {False}
    for name, frames in store.images.items():  # the rows that were left over are given back
        assert (folder / f"images.{name}.npy").stat().st_size < frames.nbytes + 200


def test_a_killed_process_is_gone_on_from(png, tmp_path, monkeypatch):
    settings, cache = png[0] | {"skip_bad": True}, tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, json.dumps(settings), str(cache)], check=False)
    assert done.returncode == -signal.SIGKILL
    sources, seen = opened(settings), []
    read = type(sources.sources[0]).read
    monkeypatch.setattr(type(sources.sources[0]), "read", lambda self, i, *a: (seen.append(i), read(self, i, *a))[1])
    store = build_store(sources, cache=cache)
    assert seen == [5, 6]
    same(store, build_store(sources))
    assert [one.episode for one in store.skipped] == [BAD]


def test_interrupted_while_the_arrays_are_cut(png, tmp_path, monkeypatch):
    sources, cache, cut = opened(png[0], skip_bad=True), tmp_path / "cache", np.lib.format.write_array_header_1_0
    with monkeypatch.context() as patch:
        files = []

        def header(file, about):
            files.append(file.name)
            if len(files) == 2:
                raise KeyboardInterrupt  # the second file is truncated, and its header says otherwise
            cut(file, about)

        patch.setattr(np.lib.format, "write_array_header_1_0", header)
        with pytest.raises(KeyboardInterrupt):
            build_store(sources, cache=cache)
    monkeypatch.setattr(type(sources.sources[0]), "read", None)  # all episodes are there
    store = build_store(sources, cache=cache)
    monkeypatch.undo()
    same(store, build_store(sources))
    same(load_store(cache_folder(sources, None, cache), verify=True), store)


def test_nothing_is_made_where_all_episodes_are_damaged(npz, tmp_path):
    settings, _ = npz
    for number in range(1, 6 * EPISODES):  # the first frame tells what there is
        (tmp_path / f"set/training/episode_{number:07d}.npz").unlink(missing_ok=True)
    with pytest.raises(CorruptData, match=r"set: all 7 episodes are damaged, .*episode_0000001.npz .* is missing"):
        build_store(opened(settings, skip_bad=True), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, arguments)])
    code = cli.run(cli.app)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def numbers(write):
    """Data with a number that is not finite, which reading without images notices, too."""
    path = write(LeRobotWriter)
    file = path / "data/chunk-000/file-000.parquet"
    table = pq.read_table(file)
    rows = table.to_pylist()
    row = next(i for i, row in enumerate(rows) if row["episode_index"] == BAD) + 2
    rows[row]["action"][1] = float("nan")
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), file)
    return path, f"row {row}"


@pytest.mark.parametrize(
    "command", [("inspect",), ("stats",), ("stats", "--workers", 2), ("doctor",), ("convert", "--to", "rlds")]
)
def test_commands_leave_it_out_and_say_so(command, numbers, tmp_path, monkeypatch, capsys):
    path, row = numbers
    name, *more = command
    out = ["--out", tmp_path / "out"] if name in ("stats", "convert") else []
    code, _, told = run(monkeypatch, capsys, "data", name, path, *more, *out)
    assert (code, row in told) == (2, True)
    assert not (tmp_path / "out").exists()
    code, told, err = run(monkeypatch, capsys, "data", name, path, *more, *out, "--skip-bad")
    assert code == (1 if name == "doctor" else 0), err  # random actions move no robot
    assert "Left out, because damaged: 1 episodes" in told
    assert re.search(rf"  {path}, episode {BAD}: .*{row}", told)


def test_the_first_file_of_a_data_set_may_be_the_damaged_one(tmp_path, monkeypatch, capsys):
    path = V2Folder(tmp_path / "set", recordings=[recording(seed, 5 + seed) for seed in range(3)]).write()
    file = path / "data/chunk-000/episode_000000.parquet"
    file.write_bytes(file.read_bytes()[:300])
    code, out, err = run(monkeypatch, capsys, "data", "doctor", path, "--skip-bad", "--json")
    assert code in (0, 1), err
    found = json.loads(out)
    assert ([one["episode"] for one in found["skipped"]], found["num_episodes"]) == ([0], 2)
    assert "episode_000000.parquet is damaged" in found["skipped"][0]["reason"]


def test_statistics_are_those_of_the_sound_episodes(numbers, monkeypatch, capsys, make_episode):
    path, row = numbers
    code, out, _ = run(monkeypatch, capsys, "data", "stats", path, "--skip-bad", "--json")
    found = load(path / "statistics.json")
    sound = np.concatenate([make_episode(seed, length=4 + seed).actions for seed in range(EPISODES) if seed != BAD])
    assert (code, found.num_episodes, found.action) == (0, EPISODES - 1, ActionStatistics.of(sound))
    (bad,) = json.loads(out)["skipped"]
    assert (bad["data"], bad["episode"], row in bad["reason"]) == (str(path), BAD, True)


def test_a_conversion_has_the_sound_episodes(png, tmp_path, monkeypatch, capsys, make_episode):
    code, out, _ = run(
        monkeypatch,
        capsys,
        "data",
        "convert",
        png[0]["path"],
        "--to",
        "rlds",
        "--out",
        tmp_path / "out",
        "--skip-bad",
        "--json",
    )
    found = json.loads(out)
    assert (code, found["episodes"], [one["episode"] for one in found["skipped"]]) == (0, EPISODES - 1, [BAD])
    assert not [loss for loss in found["losses"] if loss.startswith(("images", "actions", "state", "instruction"))]
    last = validate(kinds()["rlds"], {"path": str(tmp_path / "out")}).open().read(EPISODES - 2)
    np.testing.assert_array_equal(last.actions, make_episode(EPISODES - 1, length=3 + EPISODES).actions)


@pytest.mark.parametrize("in_the_file", [True, False])
def test_a_run_records_what_it_left_out(npz, tmp_path, monkeypatch, capsys, in_the_file):
    settings, says = npz
    flag = [] if in_the_file else ["--skip-bad"]
    experiment = {
        "name": "bad",
        "model": {
            "kind": "cnn",
            "architecture": {"kind": "film_cnn", "chunk": 1, "channels": [8, 8, 8], "width": 16, "text_width": 8},
            "head": {"kind": "mlp", "hidden": 16},
        },
        "data": [settings | {"cameras": ["rgb_static"], "skip_bad": in_the_file, "holdout": 0.3}],
        "training": {"batch_size": 4, "steps": 2},
    }
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(experiment))
    where = ["--config", tmp_path / "bad.yaml", "--cache", tmp_path / "cache"]
    if not in_the_file:
        code, _, err = run(monkeypatch, capsys, "train", *where, "--out", tmp_path / "run")
        assert code == 2
        assert re.search(says, err)
    code, out, err = run(monkeypatch, capsys, "data", "cache", *where, *flag)
    assert code == 0, err
    assert "Left out, because damaged: 1 episodes" in out
    (cached,) = (tmp_path / "cache").glob("*/store.json")
    assert [one["episode"] for one in json.loads(cached.read_text())["skipped"]] == [BAD]
    code, _, err = run(monkeypatch, capsys, "train", *where, *flag, "--out", tmp_path / "run")
    assert code == 0, err
    assert list((tmp_path / "cache").glob("*/store.json")) == [cached]
    data = json.loads((tmp_path / "run/experiment.json").read_text())["data"]
    (bad,) = data["skipped"]
    assert bad["episode"] == BAD
    assert re.search(says, bad["reason"])
    assert data["frames"] == 5 * (EPISODES - 1)
    assert "Left out, because damaged: 1 episodes" in err
