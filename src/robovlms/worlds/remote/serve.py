"""The other interpreter's side: builds one world and answers calls about it until the pipe closes.

Run by its path, never imported: it makes the package ``robovlms`` known without putting the folder around it on the
path, where packages of our interpreter may lie that would hide this interpreter's own. Without jaxtyping, annotations
of arrays mean nothing here. Written for Python 3.10 and newer.
"""

import importlib
import importlib.util
import os
import pickle
import signal
import sys
import threading
import traceback
import types
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

OLDEST = (3, 10)
TRACE_LINES = 8
CALLS = ("ask", "build", "snapshot", "restore")
"""What is answered here; all else is the world's own."""


def main():
    """``serve.py FD``: the number of an inherited pipe."""
    sys.path.pop(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches the whole group; the other side decides what happens
    pipe = Connection(int(sys.argv[1]))
    if sys.version_info < OLDEST:
        got = "%s is Python %d.%d" % (sys.executable, *sys.version_info[:2])  # noqa: UP031 - an f-string needs 3.6
        pipe.send(("lacking", "World interpreter " + got + ", expected 3.10 or newer."))
        return
    know_package(Path(__file__).parents[2])
    from robovlms.worlds.remote import wire

    pipe.send_bytes(wire.dump(("done", None)))
    requests = SimpleQueue()
    threading.Thread(target=listen, args=(pipe, requests), daemon=True).start()
    answer = Answerer()
    while True:
        pipe.send_bytes(wire.dump(answer(wire.load(requests.get()))))


def know_package(folder):
    """Make ``robovlms`` importable from its folder, and jaxtyping's names where it is not installed."""
    spec = importlib.util.spec_from_file_location(
        "robovlms", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None  # noqa: PT018
    package = importlib.util.module_from_spec(spec)
    sys.modules["robovlms"] = package
    spec.loader.exec_module(package)
    if importlib.util.find_spec("jaxtyping") is None:
        sys.modules["jaxtyping"] = Untyped("jaxtyping")


class Untyped(types.ModuleType):
    """Stands for jaxtyping: ``Float[np.ndarray, "3"]`` is ``np.ndarray``."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Shaped


class Shaped:
    """A dtype of jaxtyping's, which forgets the shape."""

    def __class_getitem__(cls, array_and_shape):
        return array_and_shape[0]


def listen(pipe, requests):
    """Pass requests on; end the process when the other side has gone, even in the middle of a step."""
    try:
        while True:
            requests.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


class Answerer:
    """Holds the world, and turns a call into ("done", value), ("refused" or "lacking", words) or ("failed", trace)."""

    def __init__(self):
        self.world: Any = None

    def __call__(self, request):
        """Carry out one call: its name and arguments."""
        from robovlms.core.errors import MissingExtra, UserError

        name, arguments = request
        try:
            if name not in CALLS:
                return "done", getattr(self.world, name)(*arguments)
            return "done", getattr(self, name)(*arguments)
        except MissingExtra as error:
            return "lacking", f"World interpreter {sys.executable} has no package '{error.package}'."
        except UserError as error:
            return "refused", str(error)
        except ModuleNotFoundError as error:
            return "lacking", f"World interpreter {sys.executable} has no package '{error.name}'."
        except Exception:  # noqa: BLE001 - whatever a world raises is the other side's to count
            return "failed", "\n".join(traceback.format_exc().strip().splitlines()[-TRACE_LINES:])

    def ask(self, target, settings):
        """What ``module:callable`` makes of the settings."""
        module, _, name = target.partition(":")
        return getattr(importlib.import_module(module), name)(**settings)

    def build(self, target, settings):
        """Make the world: its tasks, and whether it can be traced."""
        from robovlms.core.trace import Traced

        self.world = self.ask(target, settings)
        return tuple(self.world.tasks), isinstance(self.world, Traced)

    def snapshot(self):
        """Bytes, which only this side reads again."""
        return pickle.dumps(self.world.snapshot())

    def restore(self, snapshot, render):
        """The observation after the return to a snapshot."""
        return self.world.restore(pickle.loads(snapshot), render)


if __name__ == "__main__":
    main()
