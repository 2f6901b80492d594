"""An episode as the arrays of CALVIN's frames."""

import numpy as np

from robovlms.actions.calvin import (
    ABSOLUTE_ACTIONS,
    RATE_HZ,
    RELATIVE_ACTIONS,
    ROBOT_STATE,
    SCENE_STATE,
    absolute_actions,
    relative_actions,
)
from robovlms.actions.check import require_valid
from robovlms.actions.spec import ActionSpec, ObservationSpec, StateComponent, require_match
from robovlms.core.errors import UserError
from robovlms.core.types import Episode

CAMERAS = ("rgb_static", "rgb_gripper")
"""What every loader of CALVIN's data reads."""

_FORMAT = "CALVIN's format"


def require_convention(action_spec: ActionSpec, observation_spec: ObservationSpec) -> None:
    """Refuse episodes that the format cannot hold.

    Raises:
        SpecMismatch: The actions or the state are not CALVIN's.
        UnknownName: A camera or a component of the state is missing.
        UserError: A camera has a name that the format does not allow.
    """
    if action_spec != ABSOLUTE_ACTIONS:
        require_match("The episodes", action_spec, _FORMAT, RELATIVE_ACTIONS)
    expected = ObservationSpec(cameras=(), state=ROBOT_STATE, rate_hz=RATE_HZ)
    require_match("The episodes", observation_spec.select((), _names(ROBOT_STATE)), _FORMAT, expected)
    observation_spec.select(CAMERAS)
    other = [name for name in observation_spec.camera_names if not name.startswith("rgb_")]
    if other:
        raise UserError(f"Camera '{other[0]}': expected a name such as {CAMERAS[0]}. Rename it, or leave it out.")


def frame_arrays(
    episode: Episode, action_spec: ActionSpec, observation_spec: ObservationSpec, where: str
) -> dict[str, np.ndarray]:
    """What the frames hold, by name, one row a frame and one more: the last again, standing still.

    A scene whose state was not recorded is NaN, because loaders want the array.

    Raises:
        CorruptData: An action is not what the spec says.
        UserError: The episode is empty or does not fit the specs.
    """
    require_valid(action_spec, episode.actions, where)
    _require_shapes(episode, observation_spec, where)
    state = _and_last(episode.state.astype(np.float64))
    robot = state[:, observation_spec.columns(_names(ROBOT_STATE))]
    arrays = {name: _and_last(frames) for name, frames in episode.images.items()}
    arrays |= _action_arrays(episode.actions.astype(np.float64), robot, action_spec == ABSOLUTE_ACTIONS)
    known = set(_names(SCENE_STATE)) <= set(observation_spec.state_names)
    scene = state[:, observation_spec.columns(_names(SCENE_STATE))] if known else np.full((len(state), 24), np.nan)
    return arrays | {"robot_obs": robot, "scene_obs": scene}


def _action_arrays(actions: np.ndarray, robot: np.ndarray, absolute: bool) -> dict[str, np.ndarray]:
    """Both kinds. The last frame goes where it is, and keeps its gripper."""
    pose, gripper = robot[-1:, :6], actions[-1:, 6:]
    still = np.concatenate([pose if absolute else np.zeros_like(pose), gripper], axis=1)
    actions = np.concatenate([actions, still])
    if absolute:
        return {"actions": actions, "rel_actions": relative_actions(actions, robot)}
    return {"actions": absolute_actions(actions, robot), "rel_actions": actions}


def _require_shapes(episode: Episode, observation_spec: ObservationSpec, where: str) -> None:
    length = len(episode)
    expected: dict[str, tuple[int, ...]] = {"state": (length, observation_spec.state_dims)}
    expected |= {c.name: (length, c.height, c.width, 3) for c in observation_spec.cameras}
    found = {name: values.shape for name, values in [*episode.images.items(), ("state", episode.state)]}
    if found != expected or not length:
        raise UserError(f"{where}: got arrays of {found}, expected {expected} and at least one frame.")


def _and_last(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows, rows[-1:]])


def _names(state: tuple[StateComponent, ...]) -> list[str]:
    return [component.name for component in state]
