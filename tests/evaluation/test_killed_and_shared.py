"""kill -9 wherever the disk is touched, and several processes in one folder: the same results, byte for byte."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_evaluate import SLOW, evaluate

from robovlms.core.errors import UserError
from robovlms.evaluation.store import EpisodeStore

HERE = Path(__file__).parent


def forked(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    ended = subprocess.run([sys.executable, HERE / "forked.py", *map(str, arguments)], env=environment, text=True,
                           stderr=subprocess.PIPE)  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def results_of(folder):
    return (folder / "results.json").read_bytes()


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_point_and_resumed(tmp_path, stride):
    forked("kill", tmp_path, stride)
    evaluate(tmp_path / "whole", num=3)
    resumed = [results_of(folder) for folder in tmp_path.glob("killed-*")]
    assert len(resumed) > 5
    assert set(resumed) == {results_of(tmp_path / "whole")}


def test_four_processes_in_one_folder(tmp_path):
    forked("share", tmp_path)
    evaluate(tmp_path / "whole", num=3)
    assert results_of(tmp_path / "shared") == results_of(tmp_path / "whole")
    assert not list((tmp_path / "shared").glob(".*"))


def num_recorded(folder):
    try:
        with EpisodeStore(folder) as store:
            return len(store.episodes)
    except UserError:  # not there yet
        return 0


def test_a_killed_evaluation_takes_its_workers_along_and_resumes(tmp_path):
    """kill -9 of the parent in the middle: its workers go, and the rest gives what an unbroken run gives."""
    script = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path\n"
        "if __name__ == '__main__':\n"
        "    import test_evaluate as t\n"
        f"    t.evaluate(Path({str(tmp_path / 'killed')!r}), tasks=t.SLOW, workers=1)\n"
    )
    (tmp_path / "main.py").write_text(script)
    child = subprocess.Popen([sys.executable, tmp_path / "main.py"], stdout=subprocess.DEVNULL)
    while num_recorded(tmp_path / "killed") < 2:
        assert child.poll() is None, "finished before it could be killed"
        time.sleep(0.1)
    workers = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True).stdout.split()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    resumed = evaluate(tmp_path / "killed", tasks=SLOW, resume=True)
    assert resumed == evaluate(tmp_path / "whole", tasks=SLOW)
    assert results_of(tmp_path / "killed") == results_of(tmp_path / "whole")
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
