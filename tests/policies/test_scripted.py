"""Scripted baselines: bounds, grippers, and one generator an episode."""

import numpy as np
import pytest

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.errors import UnknownName
from robovlms.core.protocols import Policy
from robovlms.core.types import Observation
from robovlms.policies.scripted import scripted_baseline

SPEC = ActionSpec(
    components=(
        ActionComponent(name="position", dims=3, kind="delta_position", unit="m", scale=0.04, low=-0.5, high=0.5),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1.0, gripper_open=1.0),
    ),
    rate_hz=10,
)
BLIND = Observation({}, np.zeros(3, np.float32))


def actions(policy, episodes, num_steps):
    out = {episode: [] for episode in episodes}
    for _ in range(num_steps):
        for episode, decision in policy.act(dict.fromkeys(episodes, BLIND)).items():
            out[episode].append(decision.action)
    return {episode: np.stack(rows) for episode, rows in out.items()}


def test_zero_stands_still_with_an_open_gripper():
    policy = scripted_baseline("zero", SPEC)
    assert isinstance(policy, Policy)
    policy.start("e", "lift the red block", seed=0)
    assert not policy.needs_observation("e")
    np.testing.assert_array_equal(policy.act({"e": BLIND})["e"].action, [0, 0, 0, 1])


def test_random_fills_the_bounds():
    policy = scripted_baseline("random", SPEC)
    policy.start("e", "", seed=1)
    rows = actions(policy, ["e"], 500)["e"]
    assert -0.5 <= rows[:, :3].min() < -0.45
    assert 0.45 < rows[:, :3].max() <= 0.5
    assert set(rows[:, 3]) == {-1.0, 1.0}


def test_other_episodes_never_change_an_action():
    together, alone = scripted_baseline("random", SPEC), scripted_baseline("random", SPEC)
    for number, episode in enumerate("ab"):
        together.start(episode, "", seed=number)
    alone.start("b", "", seed=1)
    np.testing.assert_array_equal(actions(together, "ab", 5)["b"], actions(alone, "b", 5)["b"])


def test_unknown_baseline_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'random'"):
        scripted_baseline("radnom", SPEC)
