"""What the numbers of known RLDS data sets mean: a table of conventions and one pure function for each.

A convention turns the steps of a record into state and actions of a typed ``ActionSpec``. Sources: BridgeData V2
(arXiv 2308.12952, section IV) and ``oxe_dataset_configs.py`` / ``oxe_standardization_transforms.py`` of octo.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.errors import CorruptData, UnknownName
from robovlms.core.types import Episode
from robovlms.data.images import Frames, decode_images
from robovlms.data.rlds import RLDSDataset, steps_of
from robovlms.data.rlds_features import STEPS

Steps = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Convention:
    """How one data set is to be read.

    Attributes:
        cameras: Feature names under ``steps/observation``, the main camera first.
        numbers: Steps to (state, actions).
        source: Path of the text that says what an episode was cut from.
    """

    action_spec: ActionSpec
    state: tuple[StateComponent, ...]
    cameras: tuple[str, ...]
    numbers: Callable[[Steps], tuple[np.ndarray, np.ndarray]]
    source: str


def bridge_numbers(steps: Steps) -> tuple[Float32[np.ndarray, "t 7"], Float32[np.ndarray, "t 7"]]:
    """State and actions of BridgeData, with the gripper command made binary."""
    actions = np.array(steps["action"], np.float32)
    actions[:, 6] = binary_gripper(actions[:, 6])
    return np.asarray(steps["observation/state"], np.float32), actions


def binary_gripper(opening: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Gripper commands in {0 closed, 1 open} from a recorded opening.

    While the fingers move (between 0.05 and 0.95) the command is what they arrive at; if the clip ends before, it is
    the nearer of the two.
    """
    found = np.empty_like(opening)
    arrives = float(opening[-1] > 0.5)
    for i in range(len(opening) - 1, -1, -1):
        if not 0.05 <= opening[i] <= 0.95:
            arrives = float(opening[i] > 0.5)
        found[i] = arrives
    return found


# Deltas are added to the pose commanded before (VR controller), in metres and radians, at 5 Hz.
BRIDGE = Convention(
    action_spec=ActionSpec(
        components=(
            ActionComponent(
                name="position", dims=3, kind="delta_position", unit="m", frame="base", reference="commanded"
            ),
            ActionComponent(
                name="rotation",
                dims=3,
                kind="delta_rotation",
                unit="rad",
                frame="base",
                reference="commanded",
                rotation="euler_xyz",
                low=-np.pi,
                high=np.pi,
            ),
            ActionComponent(
                name="gripper", dims=1, kind="gripper", low=0.0, high=1.0, gripper_closed=0.0, gripper_open=1.0
            ),
        ),
        rate_hz=5,
    ),
    state=(
        StateComponent(name="position", dims=3, unit="m", frame="base"),
        StateComponent(name="rotation", dims=3, unit="rad", frame="base", rotation="euler_xyz"),
        StateComponent(name="gripper", dims=1),
    ),
    cameras=("image_0", "image_1", "image_2", "image_3"),
    numbers=bridge_numbers,
    source="episode_metadata/file_path",
)

CONVENTIONS: Mapping[str, Convention] = {"bridge_dataset": BRIDGE}


class OXEDataset:
    """The episodes of an RLDS data set whose convention is known."""

    def __init__(self, path: Path | str, split: str = "train", convention: str | None = None):
        """Open a data set.

        Args:
            path: The version folder, which holds ``features.json``.
            split: Name of the split.
            convention: A name in ``CONVENTIONS``; the data set's own name when None.

        Raises:
            UnknownName: No convention of that name is known.
        """
        self.rlds = RLDSDataset(path, split)
        name = convention or self.rlds.name
        if name not in CONVENTIONS:
            raise UnknownName("RLDS convention", name, CONVENTIONS)
        self.convention = CONVENTIONS[name]
        self.path = self.rlds.path

    def __len__(self) -> int:
        return len(self.rlds)

    @property
    def action_spec(self) -> ActionSpec:
        """The convention of the actions."""
        return self.convention.action_spec

    @property
    def observation_spec(self) -> ObservationSpec:
        """All cameras the data set has, and the state."""
        sizes = {name: self.rlds.leaf(f"{STEPS}observation/{name}").shape[:2] for name in self.convention.cameras}
        cameras = tuple(Camera(name=name, height=size[0], width=size[1]) for name, size in sizes.items())
        return ObservationSpec(cameras=cameras, state=self.convention.state, rate_hz=self.action_spec.rate_hz)

    def lengths(self) -> list[int]:
        """Number of frames of each episode; RLDS keeps no index, so every record is read."""
        return [len(self.rlds.read(index)[f"{STEPS}action"]) for index in range(len(self))]

    def fingerprint(self) -> str:
        """Changes whenever the data set does."""
        return self.rlds.fingerprint()

    def source_of(self, index: int) -> str:
        """The file an episode was cut from."""
        return self.rlds.read(index)[self.convention.source][0]

    def end_flags(self, index: int) -> Bool[np.ndarray, " t"] | None:
        """Which steps of an episode are flagged as its last; None where the data set has no such flag."""
        flags = self.rlds.read(index).get(f"{STEPS}is_last")
        return None if flags is None else np.asarray(flags, bool)

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode, with the images of ``cameras`` (all when None).

        Raises:
            CorruptData: The record or an image in it is damaged; names file, record and step.
        """
        record = self.rlds.read(index)
        steps = steps_of(record)
        state, actions = self.convention.numbers(steps)
        decode = partial(self._images, steps, self.rlds.where(index))
        return Episode(
            images={name: decode(name) for name in (self.convention.cameras if cameras is None else cameras)},
            state=state,
            actions=actions,
            instruction=steps["language_instruction"][0],
            info={"source": record[self.convention.source][0], "record": index},
        )

    def _images(self, steps: Steps, where: str, camera: str) -> Frames:
        files = steps[f"observation/{camera}"]
        wheres = [f"{where}, step {i}, camera '{camera}'" for i in range(len(files))]
        images = decode_images(files, wheres)
        if len({image.shape for image in images}) > 1:
            raise CorruptData(f"{where}: the images of camera '{camera}' differ in size.")
        return np.stack(images)
