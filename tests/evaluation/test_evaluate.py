"""A whole evaluation: files, resuming after a kill, folders that are taken, clips."""

import json
import resource

import numpy as np
import pytest
from toy_policy import CHECKPOINT, ToyPolicy, toy_benchmark, toy_jobs, toy_protocol
from toy_world import ToyWorld

from robovlms.core.errors import UserError, WorkFailed
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.host import LocalWorkers
from robovlms.evaluation.overlay import PANEL, VIEW
from robovlms.evaluation.results import Checkpoint, load
from robovlms.evaluation.shards import Shard
from robovlms.evaluation.video import VideoRecorder

SLOW = ("left", "slow", "left", "slow", "left")


def evaluate(out, num=9, tasks=None, policy=None, protocol=None, **settings):
    jobs = toy_jobs(num) if tasks is None else toy_jobs(num, tasks)
    settings = {"workers": 0, "checkpoint": CHECKPOINT, **settings}
    return run(policy or ToyPolicy(), toy_benchmark(protocol or toy_protocol(num), jobs), out=out, **settings)


def test_files_of_an_evaluation(tmp_path):
    results = evaluate(tmp_path / "run", workers=1)
    assert load(tmp_path / "run") == results
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "episodes.sqlite",
        "results.json",
        "timing.json",
    }
    timing = json.loads((tmp_path / "run" / "timing.json").read_text())
    assert timing["control_steps"] == sum(episode.num_steps for episode in results.episodes)
    evaluate(tmp_path / "other")
    one, other = ((tmp_path / name / "results.json").read_bytes() for name in ("run", "other"))
    assert one == other


class Watched(ToyPolicy):
    """Knows which episodes it was asked to play."""

    started = frozenset()

    def start(self, episode, instruction, *, seed):
        self.started |= {episode}
        super().start(episode, instruction, seed=seed)


def test_resuming_plays_only_what_is_missing(tmp_path):
    whole = evaluate(tmp_path / "whole")
    evaluate(tmp_path / "part", shard=Shard(1, 3))
    assert not (tmp_path / "part" / "results.json").exists()
    assert evaluate(tmp_path / "part", policy=(policy := Watched()), resume=True) == whole
    assert policy.started == {f"toy-{n:03d}" for n in (1, 2, 4, 5, 7, 8)}
    before = (tmp_path / "part" / "timing.json").read_bytes()
    assert evaluate(tmp_path / "part", policy=(policy := Watched()), resume=True) == whole
    assert not policy.started
    assert (tmp_path / "part" / "timing.json").read_bytes() == before


@pytest.mark.parametrize(("num", "workers"), [(9, 8), (8, 8), (7, 4), (3, 3)])
def test_no_worker_starts_that_has_nothing_to_do(tmp_path, num, workers):
    """Two cohorts of the batch of four play at once, and one where there are fewer episodes."""
    started, busy = [], set()

    class Counting(LocalWorkers):
        def __init__(self, factory, rules, num_workers):
            started.append(num_workers)
            super().__init__(factory, rules)

        def send(self, commands):
            busy.update(slot % started[0] for slot in commands)
            super().send(commands)

    evaluate(tmp_path, num=num, workers=64, launch=Counting)
    assert started == [workers]
    assert busy == set(range(workers))
    assert json.loads((tmp_path / "timing.json").read_text())["workers"] == workers


def test_another_run_in_the_folder_is_refused(tmp_path):
    evaluate(tmp_path)
    with pytest.raises(UserError, match=r"already holds episodes.sqlite.*--resume"):
        evaluate(tmp_path)
    with pytest.raises(UserError, match=r"executor: the folder has 'chunk:3', now 'first'"):
        evaluate(tmp_path, protocol=toy_protocol(9, executor="first"), resume=True)
    with pytest.raises(UserError, match=r"toy-1.*now other"):
        evaluate(tmp_path, checkpoint=Checkpoint(path="other", digest="x"), resume=True)
    assert load(tmp_path).checkpoint_digest == "toy-1"


def test_foreign_folders_and_files_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(UserError, match=r"notes\.txt"):
            evaluate(tmp_path, resume=resume)
    with pytest.raises(UserError, match="is a file"):
        evaluate(tmp_path / "notes.txt")


def test_only_infrastructure_errors_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr("robovlms.evaluation.rollout.MAX_TRIES", 2)
    with pytest.raises(WorkFailed, match="infrastructure error"):
        evaluate(tmp_path, num=1, tasks=["crash"], workers=1)  # no fault file: the world raises
    assert load(tmp_path).num_infrastructure_errors == 1


def test_clips_play(tmp_path):
    import av

    results = evaluate(tmp_path, video=2)
    index = json.loads((tmp_path / "videos" / "index.json").read_text())
    assert [entry["chain"] for entry in index] == ["toy-000", "toy-001"]
    assert sorted(path.name for path in (tmp_path / "videos").iterdir()) == ["index.json", "toy-000.mp4", "toy-001.mp4"]
    episode = results.episodes[0]
    assert index[0]["instructions"] == [task.instruction for task in episode.tasks]
    assert index[0]["solved"] == episode.num_solved
    with av.open(tmp_path / "videos" / "toy-000.mp4") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    # One frame a step and one where each task begins; its end stands still, 0.5 s or for a failure 1.5 s, at 10 Hz.
    verdicts = sum(5 if task.success else 15 for task in episode.tasks)
    assert len(frames) == episode.num_steps + len(episode.tasks) + verdicts
    assert frames[0].shape[1] == VIEW
    assert frames[0][VIEW : VIEW + 30].max() > 150  # the caption
    border = frames[-1][VIEW // 2, 2].astype(int)
    assert (border[1] > border[0]) == episode.tasks[-1].success  # green or red
    assert evaluate(tmp_path / "plain").episodes == results.episodes


def test_worlds_that_draw_at_any_size_are_drawn_sharp(tmp_path):
    import av

    class Sharp(ToyWorld):
        def render(self, camera, size):
            assert camera == "only"
            return np.full((size, size, 3), (200, 30, 30), np.uint8)

    recorder = VideoRecorder(tmp_path / "x.mp4", Sharp())
    assert not recorder.needs_images
    assert VideoRecorder(tmp_path / "y.mp4", ToyWorld()).needs_images
    blind = ToyWorld().reset({"x": 0.0}, 0, render=False)
    recorder.begin_task(blind, "a very long instruction " * 20)
    recorder.finish()
    with av.open(tmp_path / "x.mp4") as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape == (VIEW + PANEL, VIEW, 3)
    assert abs(frame[100, 100].astype(int) - [200, 30, 30]).max() < 12


def test_clips_of_earlier_calls_stay_in_the_index(tmp_path):
    evaluate(tmp_path, num=3, video=2, shard=Shard(1, 3))
    evaluate(tmp_path, num=3, video=2, shard=Shard(2, 3), resume=True)
    evaluate(tmp_path, num=3, video=1, resume=True)
    index = json.loads((tmp_path / "videos" / "index.json").read_text())
    assert [entry["file"] for entry in index] == ["toy-000.mp4", "toy-001.mp4"]


def record(recorder, seen, num_steps):
    for _ in range(num_steps):
        recorder.add(seen, np.zeros(2))
    recorder.finish()


@pytest.mark.parametrize("finishing", [False, True])
def test_a_clip_that_finds_no_room_is_the_users_to_free(tmp_path, finishing):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder, world = VideoRecorder(tmp_path / "x.mp4", ToyWorld(image_size=96)), ToyWorld(image_size=96)
    seen = world.reset({"x": 0.0}, 0)
    recorder.begin_task(seen, "go left")
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, limit[1]))
    try:
        with pytest.raises(UserError, match=r"x\.mp4 cannot be written \(File too large\)"):
            record(recorder, seen, 0 if finishing else 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert list(tmp_path.iterdir()) == []


def test_a_dropped_recording_leaves_no_file(tmp_path):
    recorder = VideoRecorder(tmp_path / "x.mp4", ToyWorld())
    recorder.begin_task(ToyWorld().reset({"x": 0.0}, 0), "go left")
    recorder.drop()
    assert list(tmp_path.iterdir()) == []
