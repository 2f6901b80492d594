"""The clones a user made: mees/calvin_env simulates, mees/calvin holds the sentences."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from robovlms.core.errors import UserError

VARIABLE = "ROBOVLMS_CALVIN_ENV"
"""Environment variable with the folder of mees/calvin_env."""

SENTENCES = {
    "train": "calvin_models/conf/annotations/new_playtable.yaml",
    "validation": "calvin_models/conf/annotations/new_playtable_validation.yaml",
}
TASKS = "conf/tasks/new_playtable_tasks.yaml"

_SIMULATOR = (
    "calvin_env/envs/play_table_env.py",
    "calvin_env/envs/tasks.py",
    "conf/config_data_collection.yaml",
    "conf/cameras/static_and_gripper.yaml",
    TASKS,
    *(f"conf/scene/calvin_scene_{scene}.yaml" for scene in "ABCD"),
    *(f"data/calvin_table_{scene}/urdf/calvin_table_{scene}.urdf" for scene in "ABCD"),
)


@dataclass(frozen=True, slots=True)
class Clones:
    """Folders of mees/calvin_env and mees/calvin."""

    calvin_env: Path
    calvin: Path


def find_clones(calvin_env: Path | str | None = None) -> Clones:
    """The clones, both checked.

    Args:
        calvin_env: Folder of mees/calvin_env; what ``ROBOVLMS_CALVIN_ENV`` names when None. mees/calvin is the folder
            around it, as a submodule has it, or lies beside it as ``calvin``.

    Raises:
        UserError: A clone is missing or too old; names what was looked for.
    """
    named = calvin_env or os.environ.get(VARIABLE)
    if not named:
        raise UserError(
            f"CALVIN needs a clone of mees/calvin_env. Run: git clone --recurse-submodules "
            f"https://github.com/mees/calvin, and set {VARIABLE} to its folder calvin_env."
        )
    folder = Path(named).resolve()
    _require(folder, _SIMULATOR, "mees/calvin_env")
    around = [folder.parent, folder.parent / "calvin"]
    calvin = next((place for place in around if (place / "calvin_models").is_dir()), around[1])
    _require(calvin, SENTENCES.values(), "mees/calvin")
    return Clones(folder, calvin)


def _require(folder: Path, files: Iterable[str], repository: str) -> None:
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder} is no clone of {repository}, or too old a one: looked for {', '.join(missing)}. Clone "
            f"https://github.com/{repository} there, or set {VARIABLE} to another folder of mees/calvin_env."
        )
