"""Statistics that lie beside a data set, or in a file that is given, for the check that they are of this data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.actions.statistics import ActionStatistics
from robovlms.core.config import parse
from robovlms.core.errors import CorruptData, UnknownName
from robovlms.core.files import read_json
from robovlms.data import dataset_statistics
from robovlms.data.doctor.examined import Stored
from robovlms.data.source import SourceConfig
from robovlms.data.sources import LeRobotConfig

COLUMNS = ("mean", "std", "min", "max")
LEROBOT = Path("meta/stats.json")


def stored_beside(config: SourceConfig) -> tuple[Stored, ...]:
    """Those of ``robovlms data stats``, and LeRobot's own, where they are.

    Raises:
        CorruptData: A file is damaged.
    """
    ours, theirs = dataset_statistics.beside(config.path), config.path / LEROBOT
    found = stored_in(ours, config) if ours.is_file() else ()
    if isinstance(config, LeRobotConfig) and theirs.is_file():
        found += _lerobot(theirs, config)
    return found


def stored_in(path: Path, config: SourceConfig) -> tuple[Stored, ...]:
    """Those of a file of ``robovlms data stats``, or of a checkpoint's ``action_statistics.json``.

    Raises:
        CorruptData: The file is missing or damaged.
        UnknownName: The checkpoint has statistics of several embodiments, none of which is this data's.
    """
    content = read_json(path)
    if "schema_version" in content:
        both = dataset_statistics.load(path)
        pairs = (("action", both.action), ("state", both.state))
        return tuple(_columns(path.name, of, part.model_dump()) for of, part in pairs if part)
    name = next(iter(content)) if len(content) == 1 else config.name
    if name not in content:
        raise UnknownName("embodiment", name, content)
    statistics = parse(ActionStatistics, content[name], f"{path}, '{name}'")
    return (_columns(path.name, "action", statistics.model_dump()),)


def _lerobot(path: Path, config: LeRobotConfig) -> tuple[Stored, ...]:
    features = read_json(path)
    names = {"action": config.action_feature, "state": config.state_feature}
    try:
        return tuple(_columns(str(LEROBOT), of, features[name]) for of, name in names.items() if name in features)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptData(
            f"{path}: statistics of actions or state are incomplete ({error}). Make them again."
        ) from None


def _columns(file: str, of: str, statistics: Mapping[str, Any]) -> Stored:
    return Stored(file, of, {name: np.atleast_1d(np.array(statistics[name], float)) for name in COLUMNS})
