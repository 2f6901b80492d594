"""Asks other code, in its own interpreter, and compares CPU seconds round by round."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SIDES = Path(__file__).parent / "sides"


@dataclass(frozen=True)
class Row:
    """One line of the table; ``value`` is a ratio (ours over theirs) or a measure of ours alone, or None if skipped."""

    what: str
    value: float | None = None
    unit: str = "x"
    asked: str = ""
    met: bool | None = None
    detail: str = ""


@dataclass(frozen=True)
class Ratio:
    """Medians over the rounds: of the ratio, and of things a CPU second on either side."""

    ratio: float
    ours: float
    theirs: float

    def row(self, what: str, unit: str, asked: float) -> Row:
        """A line that says whether at least ``asked`` was reached."""
        detail = f"{self.ours:.1f} against {self.theirs:.1f} {unit} a CPU-second"
        return Row(what, self.ratio, "x", f"at least {asked:g} x", self.ratio >= asked, detail)


class NoAnswer(Exception):
    """The other side cannot run, for example because a package is missing."""


class Side:
    """A process that answers each line of JSON with one. It sees nothing of ours."""

    def __init__(self, python: Path, script: str, *arguments: str | Path):
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(python), str(SIDES / script), *map(str, arguments)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=environment | {"OMP_NUM_THREADS": "1"}
        )

    def ask(self, **question):
        """What it answers."""
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise NoAnswer(f"{' '.join(self._process.args[:2])} ended without an answer, see its message above")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


def cpu_seconds(work: Callable[[], object]) -> float:
    """What one call takes of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Ratio:
    """Both give things a CPU second; they take turns, so that other work on the machine slows both."""
    pairs = [(theirs(), ours()) for _ in range(rounds)]
    ratios = [mine / other for other, mine in pairs]
    return Ratio(*map(statistics.median, (ratios, [mine for _, mine in pairs], [other for other, _ in pairs])))
