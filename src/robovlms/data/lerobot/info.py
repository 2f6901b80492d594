"""``meta/info.json`` of any LeRobot version, and the files its path templates name."""

from pathlib import Path
from string import Formatter
from typing import Any

from pydantic import ConfigDict, Field, PositiveFloat

from robovlms.core.config import Config, parse
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.core.files import inside, read_json
from robovlms.data.lerobot import format as fmt


class Feature(Config):
    """One column or camera. Which further keys there are differs between versions."""

    model_config = ConfigDict(extra="ignore")
    dtype: str
    shape: tuple[int, ...]
    info: dict[str, Any] | None = None
    video_info: dict[str, Any] | None = None

    @property
    def is_camera(self) -> bool:
        """Whether it holds RGB images; depth maps do not count."""
        about = (self.info or {}) | (self.video_info or {})
        return (
            self.dtype in ("image", "video")
            and len(self.shape) == 3
            and 3 in self.shape
            and not about.get("video.is_depth_map")
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image feature; older data puts the channels first."""
        height, width, channels = self.shape
        return (height, width) if channels == 3 else (width, channels)


class Info(Config):
    """What readers need of ``info.json``."""

    model_config = ConfigDict(extra="ignore")
    codebase_version: str
    fps: PositiveFloat
    total_episodes: int = Field(ge=0)
    chunks_size: int = Field(1000, ge=1)
    data_path: str
    video_path: str | None = None
    features: dict[str, Feature]

    @property
    def cameras(self) -> dict[str, str]:
        """Camera name to the name of its feature, which may have a prefix."""
        keys = [key for key, feature in self.features.items() if feature.is_camera]
        return {key.removeprefix(fmt.IMAGES).removeprefix("observation."): key for key in keys}

    def feature(self, name: str) -> Feature:
        """A feature by name; raises ``UnknownName``."""
        if name not in self.features:
            raise UnknownName("feature", name, self.features)
        return self.features[name]


def read_info(folder: Path) -> Info:
    """The description of a data set.

    Raises:
        UserError: The folder does not exist, or its version is not one of ``VERSIONS``.
        CorruptData: The file is missing, damaged or incomplete.
    """
    if not folder.is_dir():
        raise UserError(f"Data set {folder} does not exist, or is no folder. Check the path, or create it first.")
    path = folder / fmt.INFO
    raw = read_json(path, remedy="This is no LeRobot data set: copy it again, or name the format it has (kind).")
    version = raw.get("codebase_version")
    if version not in fmt.VERSIONS:
        raise UserError(
            f"{path}: got codebase_version {version!r}, expected one of {', '.join(fmt.VERSIONS)}. "
            "Convert older data with lerobot's own scripts; newer data needs a newer robovlms."
        )
    return parse(Info, raw, path)


def place(folder: Path, template: str, **values: str | int) -> Path:
    """The file a path template of ``info.json`` names; it is always inside ``folder``.

    Raises:
        CorruptData: The template asks for something else than ``values``, or leads out of the folder.
    """
    where = f"{folder / fmt.INFO}, path template '{template}'"
    try:
        asked = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
        found = template.format(**values) if asked <= set(values) else None
    except (ValueError, IndexError, KeyError, MemoryError) as error:
        raise CorruptData(f"{where} cannot be filled in ({error!r}). Correct it, or copy the data set again.") from None
    if found is None:
        raise CorruptData(f"{where} asks for {sorted(asked)}, expected only {sorted(values)}.")
    return inside(folder, found, where)
