"""A cache that is killed while it is made goes on where it was, and two processes make it once."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from robovlms.core.errors import CorruptData
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.sources import LeRobotConfig
from robovlms.data.store import cache as store_cache
from robovlms.data.store import place as store_place
from robovlms.data.store.build import build_store, bytes_needed, cache_folder, open_sources

EPISODES = 10
KILLED = """
import os, signal, sys
from pathlib import Path
from robovlms.data.store import place as store_place
from robovlms.data.sources import LeRobotConfig
from robovlms.data.store.build import build_store, open_sources

store_place.EPISODES_A_NOTE = 2
def at(done, total):
    if done == 7:
        os.kill(os.getpid(), signal.SIGKILL)
build_store(open_sources([LeRobotConfig(path=sys.argv[1])]), cache=Path(sys.argv[2]), on_episode=at)
"""


@pytest.fixture
def opened(tmp_path, action_spec, observation_spec, make_episode):
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        for seed in range(EPISODES):
            writer.add(make_episode(seed, length=3 + seed))
    return open_sources([LeRobotConfig(path=tmp_path / "set")])


@pytest.fixture
def reads(monkeypatch):
    """The episodes that are read."""
    seen, read = [], LeRobotDataset.read
    monkeypatch.setattr(LeRobotDataset, "read", lambda self, index, *a: (seen.append(index), read(self, index, *a))[1])
    return seen


def same(one, other):
    assert (one.instructions, one.tasks, one.sources) == (other.instructions, other.tasks, other.sources)
    for name in ("starts", "ends", "instruction_ids", "source_ids", "held_out"):
        np.testing.assert_array_equal(getattr(one.episodes, name), getattr(other.episodes, name))
    for name in one.images:
        np.testing.assert_array_equal(one.images[name], other.images[name])
    np.testing.assert_array_equal(one.actions, other.actions)
    np.testing.assert_array_equal(one.state, other.state)


def test_a_killed_process_is_gone_on_from(opened, tmp_path, reads):
    cache = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, str(opened.configs[0].path), str(cache)], check=False)
    assert done.returncode == -signal.SIGKILL
    (partial,) = cache.iterdir()
    assert len((partial / "episodes.jsonl").read_text().splitlines()) == 6
    with (partial / "episodes.jsonl").open("a") as file:
        file.write('[3, "cut o')
    store = build_store(opened, cache=cache)
    assert reads == [6, 7, 8, 9]
    assert [path.name for path in cache.iterdir()] == [cache_folder(opened, None, cache).name]
    same(store, build_store(opened))


def test_two_processes_make_a_cache_once(opened, tmp_path, reads):
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: build_store(opened, cache=tmp_path / "cache"), range(2))
    same(one, other)
    assert len(reads) == EPISODES


def test_an_error_leaves_nothing(opened, tmp_path, monkeypatch):
    def read(self, index, cameras=None):
        raise CorruptData("frame 3 is damaged")

    monkeypatch.setattr(LeRobotDataset, "read", read)
    with pytest.raises(CorruptData):
        build_store(opened, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_large_cache_is_not_read_to_be_opened_unless_asked(opened, tmp_path, monkeypatch):
    build_store(opened, cache=tmp_path / "cache")
    monkeypatch.setattr(store_cache, "SMALL", 0)
    (file,) = (tmp_path / "cache").glob("*/images.static.npy")
    content = bytearray(file.read_bytes())
    content[-7] ^= 1
    file.write_bytes(bytes(content))
    folder = cache_folder(opened, None, tmp_path / "cache")
    store_cache.load_store(folder)
    with pytest.raises(CorruptData, match=r"images\.static\.npy is missing or damaged. Delete"):
        store_cache.load_store(folder, verify=True)
    file.write_bytes(bytes(content[:-100]))
    with pytest.raises(CorruptData, match=r"images\.static\.npy is missing or damaged. Delete"):
        store_cache.load_store(folder)


def test_its_size_is_known_before(opened, tmp_path):
    build_store(opened, cache=tmp_path / "cache")
    (described,) = (tmp_path / "cache").glob("*/store.json")
    sizes = json.loads(described.read_text())["bytes"]
    headers = 128 * len(sizes)
    assert bytes_needed(opened, None) == sum(sizes.values()) - headers


def test_notes_are_written_after_their_frames(opened, tmp_path, monkeypatch):
    """Whatever is noted is on the disk: the arrays are flushed first."""
    monkeypatch.setattr(store_place, "EPISODES_A_NOTE", 4)
    order, flush, fsync = [], np.memmap.flush, os.fsync
    monkeypatch.setattr(np.memmap, "flush", lambda self: (order.append("frames"), flush(self))[1])
    monkeypatch.setattr(os, "fsync", lambda number: (order.append("note"), fsync(number))[1])
    build_store(opened, cache=tmp_path / "cache")
    assert order[:10] == [*["frames"] * 4, "note", *["frames"] * 4, "note"]
