"""How one RLDS data set is to be read: which features hold what, and what their numbers mean."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from robovlms.actions.spec import ActionComponent, ActionSpec, StateComponent
from robovlms.core.errors import CorruptData, UserError
from robovlms.data.oxe.numbers import Numbers, Steps
from robovlms.data.oxe.oddities import Column, first_text

OBSERVATION = "observation/"


@dataclass(frozen=True, slots=True)
class CameraFeature:
    """A camera: an image feature below ``steps/observation/``.

    ``bgr`` says that the published files hold red and blue swapped.
    """

    feature: str
    view: Literal["static", "wrist"]
    bgr: bool = False

    @property
    def path(self) -> str:
        """Its path below ``steps/``."""
        return OBSERVATION + self.feature


def static(feature: str, bgr: bool = False) -> CameraFeature:
    """A camera that stands beside the robot."""
    return CameraFeature(feature, "static", bgr)


def wrist(feature: str, bgr: bool = False) -> CameraFeature:
    """A camera on the robot's hand."""
    return CameraFeature(feature, "wrist", bgr)


@dataclass(frozen=True, slots=True)
class Convention:
    """How one data set is to be read.

    Attributes:
        cameras: The main camera first.
        actions: Action components in order, each with the numbers it is made of.
        state: The same for the state.
        rate_hz: Control rate; None where no source states it.
        language: Feature of the instruction.
        words: Instruction of an episode, from that feature.
        sentence: The instruction of all episodes, where the feature is not to be read.
        source: Feature that says what an episode was cut from, where the data set has it.
        first: Steps dropped at the beginning.
        last: Steps dropped at the end, after the differences between steps were taken.
        every: One step in how many is kept.
        note: What a user should know, in one phrase.
    """

    cameras: tuple[CameraFeature, ...]
    actions: tuple[tuple[ActionComponent, Numbers], ...]
    state: tuple[tuple[StateComponent, Numbers], ...] = ()
    rate_hz: float | None = None
    language: str = "language_instruction"
    words: Callable[[Any], str] = first_text
    sentence: str | None = None
    source: str = "episode_metadata/file_path"
    first: int = 0
    last: int = 0
    every: int = 1
    note: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """What is read besides images, below ``steps/``."""
        spoken = [self.language] if self.sentence is None else []
        parts = [*self.actions, *self.state]
        return tuple(dict.fromkeys([*spoken, *(f for _, numbers in parts for f in numbers.features)]))

    @property
    def action_spec(self) -> ActionSpec:
        """What the actions mean.

        Raises:
            UserError: No source states the control rate.
        """
        if self.rate_hz is None:
            raise UserError("No source states the control rate of the data set. Set rate_hz (Hz).")
        return ActionSpec(components=tuple(component for component, _ in self.actions), rate_hz=self.rate_hz)

    @property
    def state_components(self) -> tuple[StateComponent, ...]:
        """What the state means."""
        return tuple(component for component, _ in self.state)

    def instruction(self, steps: Steps) -> str:
        """What an episode is about."""
        return self.words(steps[self.language]) if self.sentence is None else self.sentence

    def frames(self, num_steps: int) -> range:
        """Which steps become frames."""
        kept = range(self.first, num_steps, self.every)
        return kept[: max(len(kept) - self.last, 0)]

    def numbers(self, steps: Steps, where: str) -> tuple[Float32[np.ndarray, "t s"], Float32[np.ndarray, "t a"]]:
        """State and actions of the frames.

        Raises:
            CorruptData: A feature has another number of columns than the convention says.
        """
        total = len(steps[self.actions[0][1].features[0]])
        cut = {name: steps[name][self.first :: self.every] for name in self.features if name != self.language}
        num_frames = len(self.frames(total))
        state = _joined(self.state, cut, num_frames, where)
        return state, _joined(self.actions, cut, num_frames, where)


def _joined(
    parts: tuple[tuple[ActionComponent | StateComponent, Numbers], ...], steps: Steps, num_frames: int, where: str
) -> Float32[np.ndarray, "t _"]:
    columns = [np.empty((num_frames, 0), np.float32)]
    for component, numbers in parts:
        found = _of(numbers, steps, where)[:num_frames]
        if found.shape[1] != component.dims:
            names = ", ".join(numbers.features)
            raise CorruptData(
                f"{where}: '{component.name}' has {found.shape[1]} numbers from {names}, expected {component.dims}. "
                "The data set is of another version: give its convention."
            )
        columns.append(found)
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _of(numbers: Numbers, steps: Steps, where: str) -> Column:
    try:
        return numbers.of(steps)
    except UserError as error:  # numbers that name no rotation
        raise CorruptData(f"{where}: {', '.join(numbers.features)}: {error}") from None
