"""The three things that meet at run time: a ``Policy`` acts in a ``World``; a ``Callback`` watches training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from robovlms.core.types import Decision, Observation, Step

if TYPE_CHECKING:
    from robovlms.actions.spec import ActionSpec, ObservationSpec


SIMPLE = "simple"
"""The setting of a world in which nothing is new to a policy that was trained in it."""


@runtime_checkable
class Policy(Protocol):
    """Acts for many episodes at once; all state is per episode, so batching never changes an action."""

    def start(self, episode: str, instruction: str, *, seed: int) -> None:
        """Begin an episode; its sampling noise comes from a generator of its own, made from ``seed``."""
        ...

    def instruct(self, episode: str, instruction: str) -> None:
        """Give the next instruction of a running episode (a chain); nothing in the world moves."""
        ...

    def needs_observation(self, episode: str) -> bool:
        """Whether the next ``act`` reads this episode's images; False lets the world skip rendering."""
        ...

    def act(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        """One decision for each episode given."""
        ...

    def stop(self, episode: str) -> None:
        """Forget an episode."""
        ...


@runtime_checkable
class PlansAhead(Protocol):
    """A policy that has decided some steps before they come, so that a world may play them without asking."""

    def planned(self, episode: str) -> Decision | None:
        """The next step's decision, which counts as acted, if nothing that is seen until then can change it.

        More may be taken than are played before a task ends, though no more than a task may have; what was taken is
        forgotten with the instruction.
        """
        ...


@runtime_checkable
class World(Protocol):
    """A robot and its surroundings, simulated or real, with tasks whose success it can tell."""

    @property
    def tasks(self) -> Sequence[str]:
        """Names of the tasks this world can judge."""
        ...

    @property
    def action_spec(self) -> "ActionSpec":
        """The convention of the actions ``step`` takes."""
        ...

    @property
    def observation_spec(self) -> "ObservationSpec":
        """Cameras, state components and rate of the observations."""
        ...

    def reset(self, initial_state: Any, seed: int, render: bool = True) -> Observation:
        """Put the world into ``initial_state`` (the world's own description); ``seed`` fixes what is random."""
        ...

    def begin_task(self, task: str) -> None:
        """Judge ``task`` from here on, against the state of this moment; nothing moves."""
        ...

    def step(self, action: np.ndarray, render: bool = True) -> Step:
        """Apply one action for one control step; without ``render`` the observation has no images."""
        ...

    def snapshot(self) -> Any:
        """The exact state and the task being judged; ``restore`` of it gives bit-identical futures."""
        ...

    def restore(self, snapshot: Any, render: bool = True) -> Observation:
        """Return to a snapshot."""
        ...

    def instructions(self, task: str, split: str) -> Sequence[str]:
        """Sentences for a task: ``split`` is 'train' or 'validation'."""
        ...

    def close(self) -> None:
        """Free the renderer."""
        ...


class Callback(Protocol):
    """Watches a training run; every method may be left out by inheriting from this class."""

    def on_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Called after each optimizer step."""

    def on_checkpoint(self, step: int, path: str) -> None:
        """Called after a checkpoint has been written."""
