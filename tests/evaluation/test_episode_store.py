"""The episode store: each episode once, whoever writes and whatever dies; folders of something else are refused."""

import json
import os
import sqlite3
import subprocess
from dataclasses import replace

import pytest
from toy_policy import CHECKPOINT, toy_jobs, toy_protocol

from robovlms.core.errors import CorruptData, UserError
from robovlms.evaluation.agenda import Agenda
from robovlms.evaluation.episode import episode_result
from robovlms.evaluation.identity import Identity
from robovlms.evaluation.opening import open_store
from robovlms.evaluation.results import Checkpoint, TaskResult
from robovlms.evaluation.store import EPISODES, EpisodeStore

NUM = 12


def agenda(num=NUM, checkpoint=CHECKPOINT, versions=(("numpy", "2.3.0"),), **protocol):
    return Agenda.of(Identity(toy_protocol(num, **protocol), checkpoint, dict(versions)), toy_jobs(num))


def played(number, solved=True):
    task = TaskResult(
        task="left", instruction="go left", success=solved, steps=7, failure=None if solved else "timeout"
    )
    return episode_result(toy_jobs(NUM)[number], (task,))


def broken(number, reason):
    return episode_result(toy_jobs(NUM)[number], error=reason)


def rows(folder):
    with sqlite3.connect(folder / EPISODES) as database:
        return dict(database.execute("SELECT id, status FROM episodes"))


def test_what_is_recorded_is_read_back_in_another_process(tmp_path):
    with open_store(tmp_path, agenda()) as store:
        store.record([played(3), played(1, solved=False)])
    with EpisodeStore(tmp_path) as store:
        assert store.episodes == [played(1, solved=False), played(3)]
        assert store.done == {"toy-001", "toy-003"}
        assert store.missing == [f"toy-{n:03d}" for n in range(NUM) if n not in (1, 3)]
        assert store.agenda == agenda()


def test_an_episode_is_recorded_once_and_never_changed(tmp_path):
    with open_store(tmp_path, agenda()) as store:
        store.record([played(0)])
        store.record([played(0)])
        with pytest.raises(UserError, match=r"toy-000 has another result.*\n.*tasks: .*True.*now .*False"):
            store.record([played(1), played(0, solved=False)])
        assert store.episodes == [played(0)]  # all or none
        store.record([broken(0, "a late crash")])
        assert store.episodes == [played(0)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_result_takes_the_place_of_an_infrastructure_error_in_any_order(tmp_path, order):
    one = [broken(0, "b"), broken(0, "a"), played(0)]
    with open_store(tmp_path, agenda()) as store:
        store.record([broken(5, "died")])
        assert store.done == set()
        for index in order:
            store.record([one[index]])
        assert store.episodes == [played(0), broken(5, "died")]
        store.record([broken(5, "a hang")])
        assert store.episodes[1] == broken(5, "a hang")
        store.record([broken(5, "died")])
        assert store.episodes[1] == broken(5, "a hang")


def test_two_that_begin_at_once_do_not_both_begin(tmp_path, monkeypatch):
    monkeypatch.setattr("robovlms.evaluation.opening._require_room", lambda *_: None)  # both found the folder empty
    open_store(tmp_path, agenda()).close()
    with pytest.raises(UserError, match="is in use"):
        open_store(tmp_path, agenda())
    open_store(tmp_path, agenda(), resume=True).close()


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        (agenda(executor="first", seed=3), [r"executor: the folder has 'chunk:3', now 'first'", r"seed: .* 0, now 3"]),
        (agenda(checkpoint=Checkpoint("b", "toy-2")), [r"checkpoint: the folder has toy \(toy-1\), now b \(toy-2\)"]),
        (agenda(versions=[("numpy", "2.4.0")]), [r"version of numpy: the folder has '2.3.0', now '2.4.0'"]),
        (
            replace(agenda(), episodes=agenda().episodes[::-1]),
            [r"episodes: the folder has .*toy-000.*, now .*toy-011"],
        ),
    ],
)
def test_another_evaluation_is_refused_field_by_field(tmp_path, other, lines):
    open_store(tmp_path, agenda()).close()
    before = (tmp_path / EPISODES).read_bytes()
    with pytest.raises(UserError, match="another evaluation") as caught:
        open_store(tmp_path, other, resume=True)
    for line in lines:
        assert caught.match(line)
    assert (tmp_path / EPISODES).read_bytes() == before


def test_a_store_whose_process_died_while_it_began(tmp_path):
    (tmp_path / EPISODES).write_bytes(b"")
    with pytest.raises(UserError, match="never began"):
        EpisodeStore(tmp_path)
    with open_store(tmp_path, agenda(), resume=True) as store:
        assert len(store.missing) == NUM


def test_a_checkpoint_that_moved_is_the_same(tmp_path):
    open_store(tmp_path, agenda()).close()
    moved = agenda(checkpoint=replace(CHECKPOINT, path="elsewhere"))
    with open_store(tmp_path, moved, resume=True) as store:
        assert store.agenda.identity.checkpoint.path == "toy"


def test_a_folder_of_an_earlier_version_is_refused_and_stays(tmp_path):
    (tmp_path / "episodes.jsonl").write_text("{}\n")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match=r"of an earlier version.*results.json can be read.*cannot be resumed"):
        open_store(tmp_path, agenda(), resume=True)
    with pytest.raises(UserError, match=r"already holds episodes.jsonl"):
        open_store(tmp_path, agenda())
    with pytest.raises(UserError, match="earlier version"):
        EpisodeStore(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["episodes.jsonl", "run.json"]


def test_damage_names_the_file_and_the_episode(tmp_path):
    with open_store(tmp_path, agenda()) as store:
        store.record([played(2)])
    with sqlite3.connect(tmp_path / EPISODES) as database:
        database.execute("UPDATE episodes SET result = '{\"id\": ' WHERE id = 'toy-002'")
    database.close()
    with EpisodeStore(tmp_path) as store, pytest.raises(CorruptData, match=r"episodes.sqlite, episode toy-002 is not"):
        _ = store.episodes
    data = bytearray((tmp_path / EPISODES).read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    (tmp_path / EPISODES).write_bytes(data)
    with pytest.raises(CorruptData, match=r"episodes.sqlite is damaged"):
        open_store(tmp_path, agenda(), resume=True)


@pytest.mark.parametrize(
    "statement", ["DROP TABLE evaluation", "DELETE FROM evaluation", "ALTER TABLE episodes DROP COLUMN tasks"]
)
def test_a_database_of_something_else_is_damage(tmp_path, statement):
    open_store(tmp_path, agenda()).close()
    with sqlite3.connect(tmp_path / EPISODES) as database:
        database.execute(statement)
    database.close()
    with pytest.raises(CorruptData, match=r"episodes.sqlite is damaged \(.*\)\. Evaluate again"):
        open_store(tmp_path, agenda(), resume=True)


def test_a_full_database_loses_nothing(tmp_path):
    with open_store(tmp_path, agenda()) as store:
        store.record([played(0)])
        store._database.execute("PRAGMA max_page_count = 1")
        wide = played(1).model_copy(update={"error": "x" * 100_000})
        with pytest.raises(UserError, match=r"disk is full: writing .*episodes.sqlite.*are kept: --resume"):
            store.record([wide])
    with open_store(tmp_path, agenda(), resume=True) as store:
        assert store.episodes == [played(0)]
        store.record([played(1)])


def test_a_disk_that_fills_up(tmp_path):
    """A real one of 200 kB: it takes what fits, says it is full, and goes on when there is room again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    wide = [played(n).model_copy(update={"error": json.dumps([n] * 5_000)}) for n in range(NUM)]
    try:
        kept = fill(disk / "run", wide)
        assert 0 < len(kept) < NUM
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        with open_store(disk / "run", agenda(), resume=True) as store:
            assert store.episodes == kept
            store.record(wide)
            assert store.episodes == wide
    finally:
        subprocess.run(["umount", disk], check=True)


def fill(folder, episodes):
    """What was recorded before the disk was full."""
    kept = []
    with open_store(folder, agenda()) as store:
        for episode in episodes:
            try:
                store.record([episode])
            except UserError as error:
                assert "disk is full" in str(error)  # noqa: PT017 - any of them may be the one that does not fit
                break
            kept.append(episode)
    return kept
