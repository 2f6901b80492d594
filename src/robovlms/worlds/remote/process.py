"""A Python process of another interpreter that answers calls, one at a time, over a private pipe."""

import subprocess
from collections import deque
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread
from typing import Any

from robovlms.core.errors import UserError, WorkFailed
from robovlms.worlds.remote import wire

LAST_LINES = 20
"""Of what the process printed, kept for the message about its end."""

START_TIMEOUT_S = 60.0


def remedy(name: str) -> str:
    """How to get an interpreter that has a benchmark's simulator."""
    return f"Run: make world-{name}, and pass --world-python .venvs/{name}/bin/python"


class WorldLost(WorkFailed):
    """The process of a world died, hung or raised: the simulator's trouble, never the policy's failure."""


class Interpreter:
    """Runs ``serve.py`` under another Python.

    Args:
        python: Path of the interpreter, or its name on the path.
        remedy: What to do where it does not serve; ends the messages.
        timeout_s: How long an answer may take.

    Raises:
        UserError: There is no such interpreter, or it cannot run our code.
    """

    def __init__(self, python: str, remedy: str, timeout_s: float):
        self._python, self._remedy, self._timeout_s = python, remedy, timeout_s
        self._pipe, theirs = Pipe()
        command = [python, str(Path(__file__).with_name("serve.py")), str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise UserError(f"World interpreter {python} does not run ({error.strerror}). {remedy}") from None
        finally:
            theirs.close()
        self._printed: deque[str] = deque(maxlen=LAST_LINES)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self._greet()

    def call(self, name: str, *arguments: Any) -> Any:
        """The answer to a call.

        Raises:
            UserError: The world refused its input, or a package is missing there.
            WorldLost: The world raised, or its process died or took too long; it has ended then.
        """
        try:
            self._pipe.send_bytes(wire.dump((name, arguments)))
            kind, answer = self._receive(self._timeout_s)
        except (EOFError, OSError):
            raise WorldLost(self._obituary("died")) from None
        if kind == "done":
            return answer
        if kind in ("refused", "lacking"):
            raise UserError(answer if kind == "refused" else f"{answer} {self._remedy}")
        raise WorldLost(f"The world in {self._python} raised:\n{answer}")

    def close(self, patience_s: float = 5.0) -> None:
        """End the process."""
        self._pipe.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _greet(self) -> None:
        try:
            kind, answer = self._receive(START_TIMEOUT_S)
        except (EOFError, OSError):
            words = self._obituary("is no Python that runs our code")
            raise UserError(f"{words}\nExpected Python 3.10 or newer with numpy. {self._remedy}") from None
        if kind == "lacking":
            self.close()
            raise UserError(f"{answer} {self._remedy}")

    def _receive(self, timeout_s: float) -> tuple[str, Any]:
        if not self._pipe.poll(timeout_s):
            self._process.kill()
            raise WorldLost(self._obituary(f"gave no answer within {timeout_s:g} s"))
        kind, answer = wire.load(self._pipe.recv_bytes())
        return kind, answer

    def _obituary(self, how: str) -> str:
        self.close()
        last = "".join(self._printed).strip() or "nothing"
        return (
            f"The world's process {self._python} {how} (exit code {self._process.returncode}). It printed last:\n{last}"
        )

    def _read(self) -> None:
        printed = self._process.stdout
        assert printed is not None
        with printed:
            self._printed.extend(printed)
