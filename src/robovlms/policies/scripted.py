"""Policies that look at nothing: the floor every result is read against, and stand-ins for dry runs and tests."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from robovlms.actions.spec import ActionSpec, ObservationSpec, require_match
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.types import Decision, Observation

Script = Callable[[ActionSpec, np.random.Generator], Float[np.ndarray, " a"]]


class ScriptedPolicy:
    """Plays a script of (spec, the episode's own generator) at every step; it never asks for images."""

    def __init__(self, script: Script, action_spec: ActionSpec):
        self.action_spec = action_spec
        self._script = script
        self._generators: dict[str, np.random.Generator] = {}

    def bind(self, action_spec: ActionSpec, observation_spec: ObservationSpec) -> None:
        """Refuse a world whose actions mean something else; this policy reads no observation."""
        require_match("The script", self.action_spec, "the world", action_spec)

    def start(self, episode: str, instruction: str, *, seed: int) -> None:
        """Begin an episode with a generator of its own."""
        self._generators[episode] = np.random.default_rng(seed)

    def instruct(self, episode: str, instruction: str) -> None:
        """Take no notice."""

    def needs_observation(self, episode: str) -> bool:
        """Never."""
        return False

    def act(self, observations: Mapping[str, Observation]) -> dict[str, Decision]:
        """One scripted action for each episode."""
        return {
            episode: Decision(self._script(self.action_spec, self._generators[episode])) for episode in observations
        }

    def stop(self, episode: str) -> None:
        """Forget an episode."""
        self._generators.pop(episode, None)


def zero_action(spec: ActionSpec, generator: np.random.Generator) -> Float[np.ndarray, " a"]:
    """Stand still with an open gripper."""
    action = np.zeros(spec.dims, np.float32)
    if spec.gripper is not None and spec.gripper.gripper_open is not None:
        action[spec.slice_of(spec.gripper.name)] = spec.gripper.gripper_open
    return action


def random_action(spec: ActionSpec, generator: np.random.Generator) -> Float[np.ndarray, " a"]:
    """Uniform between the bounds of every component; a gripper is either closed or open, half the time each."""
    parts = []
    for component in spec.components:
        closed, opened = component.gripper_closed, component.gripper_open
        if component.kind == "gripper" and closed is not None and opened is not None:
            parts.append(generator.choice([closed, opened], component.dims))
        elif component.low is None or component.high is None:
            raise UserError(
                f"baseline:random needs low and high of every action component: '{component.name}' has none."
            )
        else:
            parts.append(generator.uniform(component.low, component.high, component.dims))
    return np.concatenate(parts).astype(np.float32)


SCRIPTS: Mapping[str, Script] = {"zero": zero_action, "random": random_action}


def scripted_baseline(name: str, action_spec: ActionSpec) -> ScriptedPolicy:
    """The policy behind ``baseline:zero`` and ``baseline:random``; raises ``UnknownName`` for another name."""
    if name not in SCRIPTS:
        raise UnknownName("scripted baseline", name, SCRIPTS)
    return ScriptedPolicy(SCRIPTS[name], action_spec)
