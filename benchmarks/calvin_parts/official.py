"""mees/calvin's own evaluation loop from the user's clone, with stand-ins for what it imports and never calls here."""

import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from calvin_parts.policy import Fixtures

from robovlms.core.types import Observation
from robovlms.worlds.calvin.chains import chains
from robovlms.worlds.calvin.clones import Clones
from robovlms.worlds.calvin.simulator import load_module, open_simulator
from robovlms.worlds.calvin.starts import pyhash_fnv1_32
from robovlms.worlds.calvin.symbolic import BLOCKS, Symbols

UNUSED = {
    "pytorch_lightning": ["seed_everything"],
    "termcolor": ["colored"],
    "calvin_agent.models.mcil": ["MCIL"],
    "calvin_agent.utils.utils": [
        "add_text",
        "format_sftp_path",
        "get_all_checkpoints",
        "get_checkpoints_for_epochs",
        "get_last_checkpoint",
    ],
}
"""What trains and loads mees/calvin's models: the loop itself needs none of it."""


def load_official(clones: Clones) -> ModuleType:
    """``calvin_agent.evaluation.evaluate_policy``; uses pyhash where it is installed."""
    for name, attributes in UNUSED.items():
        sys.modules[name] = _module(name, dict.fromkeys(attributes))
    if importlib.util.find_spec("pyhash") is None:
        sys.modules["pyhash"] = _module("pyhash", {"fnv1_32": lambda: pyhash_fnv1_32})
    load_module(clones.calvin_env, "calvin_env.envs.play_table_env")
    sys.path.insert(0, str(clones.calvin / "calvin_models"))
    return importlib.import_module("calvin_agent.evaluation.evaluate_policy")


def condition(symbols: Symbols) -> dict[str, Any]:
    """The initial condition as mees/calvin has it."""
    fixtures = symbols._asdict()
    blocks = zip(BLOCKS, fixtures.pop("blocks"), strict=True)
    return fixtures | {f"{name}_block": place for name, place in blocks} | {"grasped": 0}


def play(
    clones: Clones, scene: str, renderer: str, policy: Fixtures, numbers: Sequence[int], steps: int, cameras: bool
) -> list[int]:
    """How many tasks of each chain the policy solves in the official loop, one simulator for all."""
    module = load_official(clones)
    chosen = [chains()[number] for number in numbers]
    setattr(module, "EP_LEN", steps)  # noqa: B010
    setattr(module, "get_sequences", lambda _: [(condition(chain.state), chain.tasks) for chain in chosen])  # noqa: B010
    simulator = open_simulator(clones.calvin_env, scene, renderer)
    if not cameras:
        simulator.cameras = []
    model = Model(policy, [f"calvin-{number:04d}" for number in numbers])
    with tempfile.TemporaryDirectory() as folder:
        return module.evaluate_policy(model, Watched(simulator, model), epoch=0, eval_log_dir=folder)


class Model:
    """One of ours as the loop calls it; ``begin`` tells it of each chain."""

    def __init__(self, policy: Fixtures, episodes: Sequence[str]):
        self._policy, self._left = policy, list(episodes)
        self._episode, self._told, self._started = "", False, False

    def begin(self) -> None:
        self._episode, self._started = self._left.pop(0), False

    def reset(self) -> None:
        self._told = False

    def step(self, seen: dict[str, Any], sentence: str) -> np.ndarray:
        if not self._told and self._started:
            self._policy.instruct(self._episode, sentence)
        elif not self._told:
            self._policy.start(self._episode, sentence, seed=0)
        self._told = self._started = True
        state = np.concatenate([seen["robot_obs"], seen["scene_obs"]])
        return self._policy.act({self._episode: Observation(seen["rgb_obs"], state)})[self._episode].action


class Watched:
    """The simulator, which tells the model of resets."""

    def __init__(self, simulator: Any, model: Model):
        self._simulator, self._model = simulator, model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._simulator, name)

    def reset(self, **state: np.ndarray) -> Any:
        self._model.begin()
        return self._simulator.reset(**state)


def _module(name: str, attributes: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(attributes)
    return module
