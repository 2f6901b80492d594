"""Choose how MuJoCo draws without a screen, before it is first imported.

MuJoCo fixes its OpenGL backend at import, from ``MUJOCO_GL``; a wrong choice cannot be undone. So each backend is
tried in a process of its own, and the answer is kept in ``MUJOCO_GL``, which child processes inherit.
"""

import atexit
import os
import subprocess
import sys
from types import ModuleType
from typing import Protocol, runtime_checkable
from weakref import WeakSet

from robovlms.core.errors import UserError

APT_LINE = "apt-get install -y libegl1 libgl1-mesa-dri   # or: apt-get install -y libosmesa6"
_PROBE = "import mujoco; c = mujoco.GLContext(8, 8); c.make_current(); c.free()"
_OFF = "disable"
_HEADLESS = ("egl", "osmesa")


@runtime_checkable
class Closable(Protocol):
    """Holds renderers."""

    def close(self) -> None:
        """Free them."""
        ...


_OPEN: WeakSet[Closable] = WeakSet()


def choose_backend() -> str:
    """Set and return ``MUJOCO_GL``: the user's own choice, else EGL, else OSMesa, whichever draws here.

    Raises:
        UserError: neither works; the message holds the line that installs one.
    """
    chosen = os.environ.get("MUJOCO_GL", "") or _probe()
    if not chosen or chosen == _OFF:
        raise UserError(
            "Images need OpenGL, and neither EGL nor OSMesa works on this machine. "
            f"Run: {APT_LINE}\nThe state, the tasks and the experts work without it (step with render=False)."
        )
    os.environ["MUJOCO_GL"] = chosen
    # llvmpipe otherwise starts a thread for each core, in every worker.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    return chosen


def import_mujoco() -> ModuleType:
    """MuJoCo, imported under a backend that works, or under none where no backend does (physics still runs).

    Raises:
        UserError: ``MUJOCO_GL`` names a backend that does not work.
    """
    if "mujoco" not in sys.modules:
        try:
            choose_backend()
        except UserError:
            os.environ["MUJOCO_GL"] = _OFF
    try:
        import mujoco  # noqa: TID251 - the backend is chosen
    except (ImportError, AttributeError, RuntimeError) as error:
        raise unusable(error) from None
    return mujoco


def unusable(error: Exception) -> UserError:
    """The error for a backend that does not draw: chosen by hand in ``MUJOCO_GL``, or by importing MuJoCo first."""
    chosen = os.environ.get("MUJOCO_GL", "")
    if "mujoco.glfw" in sys.modules and chosen.lower() in _HEADLESS:
        return UserError(
            f"MuJoCo was imported before MUJOCO_GL was {chosen}: it has glfw, which does not draw here ({error}). "
            "Make the world first and import mujoco then, or set MUJOCO_GL before Python starts."
        )
    return UserError(
        f"MUJOCO_GL={chosen} does not work on this machine ({error}). Unset it to have one chosen, or run: {APT_LINE}"
    )


def close_at_exit(holder: Closable) -> None:
    """Free renderers before MuJoCo shuts EGL down at exit; it complains on stderr about those freed later.

    Call it once a renderer exists: exit functions run last in, first out, and MuJoCo's is registered by then.
    """
    if not _OPEN:
        atexit.register(lambda: [each.close() for each in list(_OPEN)])
    _OPEN.add(holder)


def _probe() -> str:
    return next((name for name in _HEADLESS if _works(name)), "")


def _works(name: str) -> bool:
    environment = {**os.environ, "MUJOCO_GL": name}
    done = subprocess.run(
        [sys.executable, "-c", _PROBE], env=environment, capture_output=True, check=False, timeout=120
    )
    return done.returncode == 0
