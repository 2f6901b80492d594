"""Which format a folder holds, and the settings to open it with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from robovlms.core.config import merge, validate
from robovlms.core.errors import UnknownName, UserError
from robovlms.data.source import SourceConfig
from robovlms.data.sources import DataConfig

_SIGNS: Mapping[str, Callable[[Path], bool]] = {
    "lerobot": lambda path: (path / "meta" / "info.json").is_file(),
    "rlds": lambda path: (path / "features.json").is_file(),
    "bdrbench": lambda path: (path / "anns").is_dir() and (path / "media").is_dir(),
    "calvin": lambda path: any(  # the two may be links, which rglob does not follow
        next(folder.rglob("episode_*.npz"), None) for folder in (path, path / "training", path / "validation")
    ),
    "hdf5": lambda path: any(file.suffix in (".hdf5", ".h5") for file in (path, *path.rglob("*.h*5"))),
}
"""What tells a format, the surest signs first."""


def kinds() -> dict[str, type[SourceConfig]]:
    """The settings of every format by its ``kind``."""
    return {member.model_fields["kind"].default: member for member in get_args(get_args(DataConfig)[0])}


def detect(path: Path) -> str:
    """The ``kind`` of the data at ``path``.

    Raises:
        UserError: There is nothing, or nothing that a format is known by.
    """
    if not path.exists():
        raise UserError(f"Data set {path} does not exist. Check the path.")
    found = next((kind for kind, sign in _SIGNS.items() if sign(path)), None)
    if found is None:
        raise UserError(
            f"{path}: got no file that a format is known by (meta/info.json, features.json, .hdf5 ...). Name the "
            f"folder that holds it, or say --kind ({', '.join(kinds())})."
        )
    return found


def source_config(path: Path, settings: Mapping[str, Any], kind: str | None = None) -> SourceConfig:
    """Settings for the data at ``path``.

    Args:
        path: Folder or file of the data set.
        settings: Settings of its configuration, by dotted name.
        kind: Its format; found by looking when None.

    Raises:
        UnknownName: There is no such format or setting.
        UserError: The format cannot be told, or a setting does not fit.
    """
    known, name = kinds(), kind or detect(path)
    if name not in known:
        raise UnknownName("kind of data", name, known)
    return validate(known[name], merge({"path": str(path)}, settings))
