"""Opens calvin_env's simulator from a clone, on today's Python and numpy, without a data set.

What its own ``get_env`` would need and this does without: a recorded data set's configuration, tacto, hydra-colorlog,
and a git checkout whose commit it logs.
"""

import contextlib
import importlib
import importlib.util
import io
import os
import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from robovlms.core.errors import MissingExtra, UnknownName, UserError
from robovlms.worlds.calvin.clones import TASKS

SCENES = "ABCD"
Renderer = Literal["egl", "tiny"]
"""``egl`` is OpenGL without a screen, calvin_env's own setting; ``tiny`` is pybullet's renderer in software."""

_PACKAGES = ("pybullet", "hydra", "gym", "cv2", "git", "quaternion")

_OVERRIDES = (
    "cameras=static_and_gripper",
    "use_vr=false",
    "hydra/job_logging=disabled",
    "hydra/hydra_logging=disabled",
)


def open_simulator(clone: Path, scene: str, renderer: Renderer) -> Any:
    """Its ``PlayTableSimEnv``, with the static camera at 200 pixels and the gripper's at 84.

    Raises:
        MissingExtra: A package it needs is not installed.
        UnknownName: There is no such scene.
        UserError: Another clone was opened in this process, or OpenGL does not work.
    """
    if scene not in SCENES or len(scene) != 1:
        raise UnknownName("CALVIN scene", scene, SCENES)
    module = load_module(clone, "calvin_env.envs.play_table_env")
    setattr(module, "get_git_commit_hash", lambda _: "unknown")  # noqa: B010
    hydra = importlib.import_module("hydra")
    with _unwarned(), hydra.initialize_config_dir(str(clone / "conf"), version_base=None):
        chosen = (f"scene=calvin_scene_{scene}", f"env.use_egl={str(renderer == 'egl').lower()}")
        config = hydra.compose("config_data_collection", overrides=[*_OVERRIDES, *chosen])
    try:
        simulator = hydra.utils.instantiate(config.env, show_gui=False, use_vr=False, use_scene_info=True)
    except SystemExit:
        raise UserError("pybullet's EGL renderer does not start here. Use renderer='tiny'.") from None
    simulator.get_camera_obs()  # EGL draws the first image with other light than all that follow
    return simulator


def require_packages() -> None:
    """Raise ``MissingExtra`` where a package that calvin_env imports is not installed; nothing is imported."""
    for name in _PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(name, "calvin")


def close_simulator(simulator: Any) -> None:
    """Disconnect it, once: its destructor would disconnect whichever simulator has its number by then."""
    with contextlib.redirect_stdout(io.StringIO()):
        simulator.close()
    simulator.close = lambda: None


def open_oracle(clone: Path) -> Any:
    """Its ``Tasks``, which tell from what ``get_info`` said before and says now which tasks were done."""
    module = load_module(clone, "calvin_env.envs.tasks")
    settings = importlib.import_module("omegaconf").OmegaConf.load(clone / TASKS)
    return module.Tasks(settings.tasks)


def load_module(clone: Path, name: str) -> ModuleType:
    """Import a module of the clone.

    Raises:
        MissingExtra: A package it needs is not installed.
        UserError: This process has imported calvin_env from another folder.
    """
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # it imports git, which wants the program at once
    if str(clone) not in sys.path:
        sys.path.insert(0, str(clone))
    try:
        with _unwarned(), contextlib.redirect_stderr(io.StringIO()):  # gym says that it is unmaintained
            module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtra(str(error.name), "calvin") from None
    found = Path(str(module.__file__)).resolve()
    if not found.is_relative_to(clone):
        raise UserError(f"calvin_env is imported from {found} already, not from {clone}. Start a new process.")
    return module


@contextlib.contextmanager
def _unwarned() -> Generator[None]:
    """Ignore warnings that only calvin_env's authors could act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
