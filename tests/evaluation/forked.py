"""A script that plays the toy's evaluation in forked children: they may be killed, and imports are paid for once.

python forked.py kill DIR STRIDE     kills at every STRIDE-th step of what touches the disk, each time from anew
python forked.py share DIR           four processes evaluate into one folder at once
"""

import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from toy_policy import CHECKPOINT, ToyPolicy, toy_benchmark, toy_jobs, toy_protocol

from robovlms.core.errors import UserError
from robovlms.evaluation import opening, store
from robovlms.evaluation.evaluate import run

NUM = 3


def evaluate(out, resume=True):
    run(ToyPolicy(), toy_benchmark(toy_protocol(NUM), toy_jobs(NUM)), checkpoint=CHECKPOINT, out=out, workers=0,
        resume=resume)  # fmt: skip


def forked(work):
    """Run ``work`` in a child; returns its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - a child must not go on as the parent
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dying(out, deadline):
    """Evaluate, and die at the ``deadline``-th SQL statement, sync, new folder or renamed file."""
    ticks = iter(range(deadline))

    def tick(*_):
        if next(ticks, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def ticking(function):
        return lambda *args, **kwargs: (tick(), function(*args, **kwargs))[1]

    def watched(path):
        tick()
        database = connect(path)
        database.set_trace_callback(tick)
        return database

    connect = store.connect
    store.connect = opening.connect = watched
    for name in ("fsync", "replace", "mkdir"):
        setattr(os, name, ticking(getattr(os, name)))
    evaluate(out)


def kill_everywhere(folder, stride):
    deadline, code, ends = 0, -signal.SIGKILL, set()
    while code == -signal.SIGKILL:
        out = folder / f"killed-{deadline}"
        code = ended(forked(lambda out=out, deadline=deadline: dying(out, deadline)))
        assert code in (0, -signal.SIGKILL), code
        ends.add(num_recorded(out))
        assert ended(forked(lambda out=out: evaluate(out))) == 0
        deadline += stride
    assert {0, NUM} < ends, ends
    assert stride > 1 or ends == set(range(NUM + 1)), ends


def num_recorded(out):
    """Results in a folder; read from a copy, since reading cleans up after the dead."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(out, Path(folder) / "copy") if out.is_dir() else Path(folder)
        try:
            with store.EpisodeStore(copy) as held:
                return len(held.episodes)
        except UserError:  # died before the agenda was written
            return 0


def share(folder):
    children = [forked(lambda: evaluate(folder / "shared")) for _ in range(4)]
    assert [ended(child) for child in children] == [0] * 4


if __name__ == "__main__":
    what, place, *rest = sys.argv[1:]
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - progress bars
    share(Path(place)) if what == "share" else kill_everywhere(Path(place), *map(int, rest))
