"""Who plays: checkpoints and baselines as an evaluation has them, and experts that make a mistake on purpose."""

from typing import Protocol

import numpy as np

from robovlms.core.config import digest_of
from robovlms.core.types import Observation
from robovlms.policies.checkpoint_files import digest
from robovlms.policies.scripted import SCRIPTS, scripted_baseline
from robovlms.policies.vla import VLA
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.conventions import ACTION_SPEC
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.tasks import TASKS, feasible


class Actor(Protocol):
    """Plays one task after the other of one chain."""

    def begin(self, task: str, instruction: str, seed: int) -> None: ...
    def needs_observation(self) -> bool: ...
    def act(self, seen: Observation) -> np.ndarray: ...
    def stop(self) -> None: ...


class PolicyActor:
    """A policy, one chain at a time."""

    def __init__(self, policy):
        self.policy, self.running = policy, False

    def begin(self, task: str, instruction: str, seed: int) -> None:
        if self.running:
            self.policy.instruct("chain", instruction)
        else:
            self.policy.start("chain", instruction, seed=seed)
        self.running = True

    def needs_observation(self) -> bool:
        return self.policy.needs_observation("chain")

    def act(self, seen: Observation) -> np.ndarray:
        return self.policy.act({"chain": seen})["chain"].action

    def stop(self) -> None:
        self.policy.stop("chain")
        self.running = False


class ClumsyExpert:
    """The expert with a mistake.

    ``beside`` aims off the mark, ``loose`` opens its hand and gives up, ``confused`` does another task, ``frozen``
    stops half-way.
    """

    def __init__(self, world: Tabletop, mistake: str):
        self.world, self.mistake = world, mistake

    def begin(self, task: str, instruction: str, seed: int) -> None:
        self.generator = np.random.default_rng([seed, TASKS.index(task)])
        self.motion = expert(self.world, self._task(task))
        self.step = 0
        self.offset = self.generator.choice([-1, 1], 2) * self.generator.uniform(0.012, 0.035, 2)
        self.moment = int(self.generator.integers(8, 30))

    def needs_observation(self) -> bool:
        return False

    def act(self, seen: Observation) -> np.ndarray:
        action = self._next()
        self.step += 1
        if self.mistake == "loose" and self.world.state().held and self.generator.random() < 0.2:
            action[6], self.motion = 1.0, iter(())
        if self.mistake == "frozen" and self.step > self.moment:
            action[:6] = 0.01 * self.generator.normal(size=6)
        return action

    def stop(self) -> None:
        pass

    def _next(self) -> np.ndarray:
        """The expert reads the live tool pose; one that errs by ``offset`` believes itself elsewhere."""
        state, places = self.world.simulation.data.qpos, self.world.simulation._tool[:2]
        believed = self.offset if self.mistake == "beside" else 0.0
        state[places] += believed
        try:
            return next(self.motion, np.array([0, 0, 0, 0, 0, 0, self.world.simulation.grip]))
        finally:
            state[places] -= believed

    def _task(self, task: str) -> str:
        if self.mistake != "confused":
            return task
        colours = [name for name in ("red", "blue", "pink") if f"_{name}_" in task]
        swapped = (
            [task.replace(f"_{colours[0]}_", f"_{other}_") for other in ("red", "blue", "pink")] if colours else []
        )
        others = [other for other in swapped or TASKS if other != task and feasible(other, self.world.state())]
        return str(self.generator.choice(others)) if others else task


def open_actor(name: str, world: Tabletop) -> tuple[Actor, str]:
    """The actor called ``name`` and the digest of what it is."""
    kind, _, which = name.partition(":")
    if kind == "expert":
        return ClumsyExpert(world, which), digest_of(name)
    if kind == "baseline" and which in SCRIPTS:
        return PolicyActor(scripted_baseline(which, ACTION_SPEC)), digest_of(name)
    vla = VLA.from_pretrained(name).for_acting("cpu")
    executor = vla.provenance.get("experiment", {}).get("executor", "first")
    policy = vla.policy(executor, None, 1)
    policy.bind(world.action_spec, world.observation_spec)
    return PolicyActor(policy), digest(name)
