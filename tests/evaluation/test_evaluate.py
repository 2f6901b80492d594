"""A whole evaluation: files, resuming after a kill, folders that are taken, clips."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from toy_policy import CHECKPOINT, ToyPolicy, toy_benchmark, toy_jobs, toy_protocol
from toy_world import ToyWorld

from robovlms.core.errors import CorruptData, UserError, WorkFailed
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.overlay import PANEL, VIEW
from robovlms.evaluation.results import Checkpoint, load
from robovlms.evaluation.store import EpisodeStore
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
        "run.json",
        "episodes.jsonl",
        "results.json",
        "timing.json",
    }
    timing = json.loads((tmp_path / "run" / "timing.json").read_text())
    assert timing["control_steps"] == sum(episode.num_steps for episode in results.episodes)
    evaluate(tmp_path / "other")
    one, other = ((tmp_path / name / "results.json").read_bytes() for name in ("run", "other"))
    assert one == other


def test_a_killed_evaluation_resumes_exactly(tmp_path):
    """kill -9 of the parent in the middle: its workers go, and the rest gives what an unbroken run gives."""
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "import test_evaluate as t\n"
        "if __name__ == '__main__':\n"
        f"    t.evaluate(Path({str(tmp_path / 'killed')!r}), tasks=t.SLOW, workers=1)\n"
    )
    (tmp_path / "main.py").write_text(script)
    child = subprocess.Popen([sys.executable, tmp_path / "main.py"], stdout=subprocess.DEVNULL)
    episodes = tmp_path / "killed" / "episodes.jsonl"
    while not episodes.is_file() or episodes.read_bytes().count(b"\n") < 2:
        assert child.poll() is None, "finished before it could be killed"
        time.sleep(0.01)
    workers = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True).stdout.split()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with episodes.open("a") as file:
        file.write('{"id": "toy-0')  # what a kill in the middle of a line leaves
    resumed = evaluate(tmp_path / "killed", tasks=SLOW, resume=True)
    assert resumed == evaluate(tmp_path / "whole", tasks=SLOW)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_resuming_plays_only_what_is_missing(tmp_path):
    whole = evaluate(tmp_path)
    lines = (tmp_path / "episodes.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "episodes.jsonl").write_text("".join(lines[:4]))
    (tmp_path / "results.json").unlink()
    policy = ToyPolicy()
    started = []
    start = policy.start
    policy.start = lambda episode, *args, **kwargs: (started.append(episode), start(episode, *args, **kwargs))
    assert evaluate(tmp_path, policy=policy, resume=True) == whole
    assert set(started) == {json.loads(line)["id"] for line in lines[4:]}
    assert evaluate(tmp_path, policy=None, resume=True) == whole  # finished already: nothing to play


def test_another_run_in_the_folder_is_refused(tmp_path):
    evaluate(tmp_path)
    with pytest.raises(UserError, match=r"already holds episodes.jsonl.*--resume"):
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


def test_a_damaged_episode_names_its_line(tmp_path):
    evaluate(tmp_path)
    lines = (tmp_path / "episodes.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "episodes.jsonl").write_text(lines[0] + lines[1][:40] + "\n" + lines[2])
    with pytest.raises(CorruptData, match="line 2 is not valid JSON"):
        EpisodeStore(tmp_path, toy_protocol(9), CHECKPOINT, resume=True)


def test_a_full_disk_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    monkeypatch.setattr("robovlms.evaluation.store.write_json", lambda *_: None)
    with pytest.raises(UserError, match=r"disk is full.*--resume"):
        evaluate(tmp_path)


def test_only_infrastructure_errors_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr("robovlms.evaluation.rollout.MAX_TRIES", 2)
    with pytest.raises(WorkFailed, match="infrastructure error"):
        evaluate(tmp_path, num=1, tasks=["crash"], workers=1)  # no crash file: the world raises
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


def test_a_dropped_recording_leaves_no_file(tmp_path):
    recorder = VideoRecorder(tmp_path / "x.mp4", ToyWorld())
    recorder.begin_task(ToyWorld().reset({"x": 0.0}, 0), "go left")
    recorder.drop()
    assert list(tmp_path.iterdir()) == []
