"""One episode as the features of an RLDS record (see ``rlds_describe``)."""

import json
from typing import Literal

import numpy as np

from robovlms.actions.check import require_valid
from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.types import Episode
from robovlms.data.images import encode_image
from robovlms.data.rlds.convention import INFO, TASK
from robovlms.data.rlds.describe import STATE
from robovlms.data.rlds.example import Value


def require_fit(episode: Episode, action_spec: ActionSpec, observation_spec: ObservationSpec, number: int) -> None:
    """Refuse an episode that is empty, has other shapes than its specs say, or numbers that are not finite.

    Raises:
        CorruptData: An action is not finite or outside the range its spec says.
        UserError: Anything else; names the episode.
    """
    steps = len(episode)
    if not steps:
        raise UserError(f"Episode {number} has no steps. Leave it out.")
    require_valid(action_spec, episode.actions, f"episode {number}")
    cameras = {camera.name: (steps, camera.height, camera.width, 3) for camera in observation_spec.cameras}
    expected: dict[str, tuple[int, ...]] = cameras | {"state": (steps, observation_spec.state_dims)}
    found = {name: frames.shape for name, frames in episode.images.items()} | {"state": episode.state.shape}
    if found != expected:
        raise UserError(f"Episode {number} does not fit the ObservationSpec: got {found}, expected {expected}.")
    if not np.isfinite(episode.state).all():
        raise UserError(f"Episode {number}: the state has a number that is not finite. Correct it, or leave it out.")


def record_of(episode: Episode, image_format: Literal["png", "jpeg"], number: int) -> dict[str, Value]:
    """The values of an episode by path; ``number`` names its source where it has none."""
    steps = len(episode)
    first, last = np.eye(steps, dtype=np.int64)[[0, -1]]
    info = dict(episode.info)
    source = str(info.pop("source", f"episode {number}"))
    said = {"episode_metadata/file_path": source, TASK: episode.task, INFO: json.dumps(info, sort_keys=True)}
    observation: dict[str, Value] = {
        f"steps/observation/{name}": [encode_image(frame, image_format) for frame in frames]
        for name, frames in episode.images.items()
    }
    if episode.state.shape[1]:
        observation[f"steps/{STATE}"] = episode.state
    return {
        **observation,
        **{path: [words.encode()] for path, words in said.items()},
        "steps/action": episode.actions,
        "steps/discount": np.ones(steps, np.float32),
        "steps/is_first": first,
        "steps/is_last": last,
        "steps/is_terminal": last,
        "steps/language_instruction": [episode.instruction.encode()] * steps,
        "steps/reward": last.astype(np.float32),
    }
