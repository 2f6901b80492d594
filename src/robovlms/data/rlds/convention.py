"""What an RLDS data set holds, said by a user for data sets that are in no table, and beside the data that we write."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from robovlms.actions.spec import ActionSpec, StateComponent
from robovlms.core.config import Config
from robovlms.core.errors import CorruptData

CONVENTION_FILE = "convention.json"
"""A file beside ``features.json`` in data that we write; TensorFlow Datasets passes over it."""
TASK = "episode_metadata/task"
INFO = "episode_metadata/info"
"""Features of a record that we write: the task, and the remaining information on the episode as JSON."""


class RLDSConvention(Config):
    """What the features of a data set mean. Features are named by their path below ``steps/``.

    The columns of ``actions``, one feature beside the other, are the components of ``action_spec`` in order; those of
    ``state_features`` are the components of ``state``.
    """

    action_spec: ActionSpec
    """What the actions mean, with the control rate."""
    cameras: tuple[str, ...] = Field(min_length=1)
    """Images below ``observation/``, the main one first."""
    wrist_cameras: tuple[str, ...] = ()
    """Those of them that are on the robot's hand."""
    actions: tuple[str, ...] = ("action",)
    state: tuple[StateComponent, ...] = ()
    state_features: tuple[str, ...] = ("observation/state",)
    language: str = "language_instruction"
    source: str = "episode_metadata/file_path"
    """Feature of a record that says what it was cut from, where there is one."""

    @model_validator(mode="after")
    def _consistent(self) -> "RLDSConvention":
        stray = [name for name in self.wrist_cameras if name not in self.cameras]
        if stray:
            raise ValueError(f"wrist_cameras has '{stray[0]}', which is not in cameras {self.cameras}")
        return self


def info_of(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What ``INFO`` says, where a record has it.

    Raises:
        CorruptData: It is no JSON object.
    """
    text = record[INFO][0] if INFO in record else "{}"
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CorruptData(f"{where}: '{INFO}' is not JSON ({error}). Create the data set again.") from None
    if not isinstance(found, dict):
        raise CorruptData(f"{where}: '{INFO}' holds {type(found).__name__}, expected an object.")
    return found
